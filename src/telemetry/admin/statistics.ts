import { runInNewContext } from 'node:vm';
import { formatExposition } from '../prometheus.ts';
import { formatStatName, type Stat } from '../stat.ts';
import { type AdminAnswer, badRequest, type AdminEndpoint, text } from './endpoint.ts';

const params = {
  usedonly: 'only numbers that are not 0',
  filter: 'regular expression for the names',
} as const;

/** Time limit of an expression: enough for any sensible one, but short for the tunnels that wait meanwhile. */
const filterMs = 100;

/** Paths for statistics. */
export const statistics: readonly AdminEndpoint[] = [
  {
    path: '/stats',
    method: 'GET',
    summary: 'print what was counted',
    params: { ...params, format: 'one of text, json, prometheus' },
    answer: ({ listStats }, { query }) => answerStats(listStats(), query.get('format') ?? 'text', query),
  },
  {
    path: '/stats/prometheus',
    method: 'GET',
    summary: 'print what was counted as Prometheus reads it',
    params,
    answer: ({ listStats }, { query }) => answerStats(listStats(), 'prometheus', query),
  },
];

async function answerStats(all: readonly Stat[], form: string, query: URLSearchParams): Promise<AdminAnswer> {
  const used = query.has('usedonly') ? all.filter(({ value }) => value !== 0) : all;
  const stats = select(used, query.get('filter') ?? '');
  if (!stats) return badRequest('filter is not a regular expression, or one that takes too long');
  switch (form) {
    case 'text':
      return text(
        toNamed(stats)
          .map(({ name, value }) => `${name}: ${value}\n`)
          .join(''),
      );
    case 'json':
      return { status: 200, type: 'json', body: JSON.stringify({ stats: toNamed(stats) }) };
    case 'prometheus':
      return { status: 200, type: 'exposition', body: await formatExposition(stats) };
    default:
      return badRequest('usage: /stats?format=(json|prometheus|text)\n');
  }
}

function toNamed(stats: readonly Stat[]): readonly { readonly name: string; readonly value: number }[] {
  return stats
    .map((stat) => ({ name: formatStatName(stat), value: stat.value }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Selects statistics by an expression, within a time limit: a bad one could block the program for ever. */
function select(stats: readonly Stat[], filter: string): readonly Stat[] | undefined {
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
