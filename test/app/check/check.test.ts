import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CheckReport, runCheck } from '../../../src/app/check/check.ts';
import type { CheckOptions } from '../../../src/app/check/options.ts';
import { formatConclusion, formatVerdict } from '../../../src/cli/terminal/check-report.ts';
import { formatPlace, type Hop } from '../../../src/core/hop.ts';
import { Scope } from '../../../src/core/scope.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { validateReport } from '../../support/check-schema.ts';
import { manners } from './manners/all.ts';
import { sshServer, through } from './manners/ways.ts';

const page = new URL('../../../docs/check.md', import.meta.url);

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const defaults = {
  limits: { ...calmLimits, handshakeMs: 2000 },
  source: 'from a test',
  deep: false,
  idleMs: 0,
  elsewhere: [],
  targetTls: {},
  patienceMs: 500,
} as const;

/** Writes a report as a person reads it, with `proxy` in the place of each proxy's address. */
function write(report: CheckReport, { hops }: Pick<CheckOptions, 'hops'>): string {
  const lines = report.verdicts.map((verdict, index) => formatVerdict(verdict, report.verdicts[index - 1]?.name));
  const text = [...lines, formatConclusion(report)].join('');
  return hops
    .flat()
    .reduce(
      (left, { address }) =>
        left.replaceAll(formatPlace(address), (place) => (place.includes('invalid') ? place : 'proxy')),
      text,
    );
}

test.each([
  ['one connection for each question', 0, 15],
  ['five, the last of which are not made', 4, 3],
])('no more than twelve connections are made: %s', async (_, deaf, count) => {
  const { hops, target } = await through(sshServer, {})(certs);
  // Alternatives that take no connection come first.
  const choice = [...Array.from({ length: deaf }, () => makeHop('http', 1)), ...hops.flat()];
  const elsewhere = Array.from({ length: count }, (__, index) => ({ ...target, host: `other${index}.example` }));
  const report = await runCheck({ ...defaults, target, elsewhere, hops: [choice] }, new Scope());
  expect(report.connections).toBe(12);
  const spent = report.verdicts.filter(({ text }) => text.includes('not asked: too many connections were needed'));
  expect(spent.map(({ name, state }) => [name, state])).toEqual(Array(deaf === 0 ? 4 : 2).fill(['probe', 'unknown']));
});

test('a proxy of a variable is written where another one follows it, because -x replaces the variable', async () => {
  const { hops, target } = await through(sshServer, { tlsOnly: true })(certs);
  const named = hops.map((choice) => choice.map((hop) => ({ ...hop, variable: 'https_proxy' })));
  const options: CheckOptions = { ...defaults, target, hops: named };
  const { commands } = await runCheck(options, new Scope());
  const [{ address }] = named.flat() as [Hop];
  expect(commands).toEqual([`tunl connect -x http://${formatPlace(address)} -x https://YOUR-BOX:443 box.example:22`]);
});

const rows: (readonly string[])[] = [];

describe('a proxy that', () => {
  test.each(manners)('$name is told so', async ({ name, start, says, exit }) => {
    const options: CheckOptions = { ...defaults, ...(await start(certs)) };
    const report = await runCheck(options, new Scope());
    const text = write(report, options);
    for (const line of says) expect(text).toContain(line);
    expect(report.exit, text).toBe(exit);
    expect(report.works).toBe(exit === 0);
    expect(report.connections).toBeLessThanOrEqual(12);
    expect(validateReport({ version: 1, ...report })).toBe('');
    rows.push([
      name,
      says
        .map((line) =>
          line
            .replace(/^\[(.)\] (.{0,11})/, (_all, mark: string, title: string) =>
              `${mark} ${title.trim()} `.replace('  ', ' '),
            )
            .trim(),
        )
        .join('<br>'),
      String(exit),
    ]);
  });

  test('is described in the page with the same words', () => {
    // A run of some of the tests alone must not write a page of which the others are missing.
    expect(rows.length, 'rows').toBe(manners.length);
    const lines = [['a proxy that', 'is told', 'exit'], ['---', '---', '---'], ...rows].map(
      (cells) => `| ${cells.join(' | ')} |`,
    );
    const text = readFileSync(page, 'utf8');
    const filled = text.replace(
      /(<!-- table -->\n).*(<!-- \/table -->)/s,
      (_all, start: string, end: string) => `${start}\n${lines.join('\n')}\n\n${end}`,
    );
    if (process.env['TUNL_WRITE_DOCS'] === '1') writeFileSync(page, filled);
    expect(readFileSync(page, 'utf8'), 'TUNL_WRITE_DOCS=1 writes it').toBe(filled);
  });
});
