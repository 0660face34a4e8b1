import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CheckReport, runCheck } from '../../../src/app/check/check.ts';
import type { CheckOptions } from '../../../src/app/check/options.ts';
import { formatConclusion, formatVerdict } from '../../../src/cli/terminal/check-report.ts';
import { formatPlace } from '../../../src/core/hop.ts';
import { Scope } from '../../../src/core/scope.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { validateReport } from '../../support/check-schema.ts';
import { manners } from './manners/all.ts';

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
