import { bucketBounds } from './histogram.ts';
import type { HistogramStat, Stat } from './stat.ts';

/** Writes statistics in Prometheus's text format (exposition 0.0.4). The library is loaded at the first call. */
export async function formatExposition(
  stats: readonly Stat[],
  histograms: readonly HistogramStat[] = [],
): Promise<string> {
  const { Counter, Gauge, Histogram, Registry } = (await import('prom-client')).default;
  const registry = new Registry();
  for (const [name, members] of groupByName(stats)) {
    const [first] = members;
    if (!first) continue;
    const labelNames = first.of ? [first.of.label] : [];
    const options = { name, help: first.help, labelNames, registers: [registry] };
    const metric = first.kind === 'counter' ? new Counter(options) : new Gauge(options);
    for (const { of, value } of members) metric.inc(of ? { [of.label]: of.value } : {}, value);
  }
  for (const [name, members] of groupByName(histograms)) {
    const help = members[0]?.help ?? name;
    const empty = await new Histogram({ name, help, registers: [] }).get();
    const values = members.flatMap((member) => toSamples(name, member));
    // A histogram of the library only counts one value after the other.
    new Gauge({ name, help, registers: [registry] }).get = () => Promise.resolve({ ...empty, values });
  }
  return registry.metrics();
}

/** A line of a histogram. */
interface Sample {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

function toSamples(name: string, { of, histogram: { all } }: HistogramStat): Sample[] {
  const own = of ? { [of.label]: of.value } : {};
  return [
    ...bucketBounds.map((le) => ({
      metricName: `${name}_bucket`,
      labels: { ...own, le },
      value: all.countUpTo(le),
    })),
    { metricName: `${name}_bucket`, labels: { ...own, le: '+Inf' }, value: all.count },
    { metricName: `${name}_sum`, labels: own, value: all.sum },
    { metricName: `${name}_count`, labels: own, value: all.count },
  ];
}

function groupByName<T extends { readonly name: string }>(stats: readonly T[]): Map<string, T[]> {
  const families = new Map<string, T[]>();
  for (const stat of stats) {
    const name = formatFamily(stat.name);
    families.set(name, [...(families.get(name) ?? []), stat]);
  }
  return families;
}

/** Names a metric: `envoy_cluster_upstream_cx_total` if Envoy has it, else `tunl_tunnels_failed_total`, `process_…`. */
function formatFamily(name: string): string {
  const family = name.replaceAll('.', '_');
  return /^(?:tunl|process)_/.test(family) ? family : `envoy_${family}`;
}
