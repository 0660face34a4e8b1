import { runInNewContext } from 'node:vm';
import { formatExposition } from '../prometheus.ts';
import { formatQuantiles, toQuantiles } from '../quantiles.ts';
import { formatStatName, type HistogramStat, type Stat } from '../stat.ts';
import { type AdminAnswer, badRequest, type AdminEndpoint, text } from './endpoint.ts';
import type { Subject } from './subject.ts';

const params = {
  usedonly: 'only what was counted at least once',
  filter: 'regular expression for the names',
} as const;

type AnyStat = Stat | HistogramStat;

/** Time limit of an expression: enough for any sensible one, but short for the tunnels that wait meanwhile. */
const filterMs = 100;

/** Paths for statistics. */
export const statistics: readonly AdminEndpoint[] = [
  {
    path: '/stats',
    method: 'GET',
    summary: 'print what was counted',
    params: { ...params, format: 'one of text, json, prometheus' },
    answer: (subject, { query }) => answerStats(subject, query.get('format') ?? 'text', query),
  },
  {
    path: '/stats/prometheus',
    method: 'GET',
    summary: 'print what was counted as Prometheus reads it',
    params,
    answer: (subject, { query }) => answerStats(subject, 'prometheus', query),
  },
];

async function answerStats(
  { listStats, listHistograms }: Pick<Subject, 'listStats' | 'listHistograms'>,
  form: string,
  query: URLSearchParams,
): Promise<AdminAnswer> {
  const all = [...listStats(), ...listHistograms()];
  const chosen = select(query.has('usedonly') ? all.filter(isUsed) : all, query.get('filter') ?? '');
  if (!chosen) return badRequest('filter is not a regular expression, or one that takes too long');
  const stats = sortByName(chosen.filter((stat) => 'value' in stat));
  const histograms = sortByName(chosen.filter((stat) => 'histogram' in stat));
  switch (form) {
    case 'text':
      return text(
        [
          ...stats.map((stat) => `${formatStatName(stat)}: ${stat.value}\n`),
          ...histograms.map((stat) => `${formatStatName(stat)}: ${formatQuantiles(stat)}\n`),
        ].join(''),
      );
    case 'json':
      return { status: 200, type: 'json', body: JSON.stringify({ stats: toJson(stats, histograms) }) };
    case 'prometheus':
      return { status: 200, type: 'exposition', body: await formatExposition(stats, histograms) };
    default:
      return badRequest('usage: /stats?format=(json|prometheus|text)\n');
  }
}

function isUsed(stat: AnyStat): boolean {
  return 'value' in stat ? stat.value !== 0 : stat.histogram.all.count > 0;
}

function toJson(stats: readonly Stat[], histograms: readonly HistogramStat[]): object[] {
  const named = stats.map((stat) => ({ name: formatStatName(stat), value: stat.value }));
  return histograms.length === 0 ? named : [...named, { histograms: toQuantiles(histograms) }];
}

function sortByName<T extends AnyStat>(stats: readonly T[]): T[] {
  return stats
    .map((stat) => ({ name: formatStatName(stat), stat }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ stat }) => stat);
}

/** Selects statistics by an expression, within a time limit: a bad one could block the program for ever. */
function select(stats: readonly AnyStat[], filter: string): readonly AnyStat[] | undefined {
  if (filter === '') return stats;
  const names = stats.map(formatStatName);
  try {
    const fits = runInNewContext(
      'const expression = new RegExp(filter); JSON.stringify(names.map((name) => expression.test(name)))',
      { filter, names },
      { timeout: filterMs },
    ) as string;
    const marks = JSON.parse(fits) as readonly boolean[];
    return stats.filter((_stat, index) => marks[index]);
  } catch {
    return undefined;
  }
}
