import { type Distribution, percentiles } from './histogram.ts';
import { formatStatName, type HistogramStat } from './stat.ts';

/**
 * Writes the quantiles of a histogram as Envoy does: `P0(nan,1.05) P25(nan,2.05) …`, each for the last five seconds and for
 * all time.
 */
export function formatQuantiles({ histogram: { latest, all } }: HistogramStat): string {
  if (all.count === 0) return 'No recorded values';
  return percentiles
    .map((percent) => `P${percent}(${formatNumber(latest.quantile(percent))},${formatNumber(all.quantile(percent))})`)
    .join(' ');
}

/** Makes the part of the statistics in JSON that Envoy has for histograms. */
export function toQuantiles(stats: readonly HistogramStat[]): object {
  const read = (values: Distribution, percent: number) => (values.count === 0 ? null : values.quantile(percent));
  return {
    supported_quantiles: percentiles,
    computed_quantiles: stats.map((stat) => {
      const { latest, all } = stat.histogram;
      return {
        name: formatStatName(stat),
        values: percentiles.map((percent) => ({ interval: read(latest, percent), cumulative: read(all, percent) })),
      };
    }),
  };
}

/** Writes a number as `%g` of C does. */
function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const [digits = '', exponent = '0'] = value.toExponential(5).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  return `${Number(digits)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
