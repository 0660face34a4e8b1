import type { Row, Sample } from './figures.mjs';
import type { Run } from './json.mjs';

/** The samples of a subject, as the tests of this folder write them: its rates, or whole samples. */
type Rounds = readonly (number | Sample)[];

/** A row in MB/s with these samples of tunl and of peers. */
export function makeRow(subjects: Record<string, Rounds>, more: Partial<Row> = {}): Row {
  return {
    part: 'h1',
    title: 'down x1',
    figures: [
      { name: 'rate', unit: 'MB/s', better: 'more', panel: 'work' },
      { name: 'cost', unit: 's/GB', better: 'less', panel: 'cost' },
    ],
    subjects: Object.entries(subjects).map(([name, rounds]) => ({
      name,
      kind: name.startsWith('tunl') ? 'tunl' : name === 'direct' ? 'bound' : 'peer',
      samples: rounds.map((round) => (typeof round === 'number' ? { rate: round } : round)),
    })),
    ...more,
  };
}

/** A run of these rows. */
export function makeRun(rows: Row[]): Run {
  return {
    started: '2026-11-30T06:00:00.000Z',
    node: 'v20.20.2',
    processors: 2,
    load: { before: [0.5, 0.4, 0.3], after: [2.5, 1, 0.5] },
    settings: { rounds: 3 },
    leftOut: ['haproxy'],
    rows,
  };
}
