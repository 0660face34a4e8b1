import { expect, test } from 'vitest';
import { listExitCodes } from '../../../src/cli/docs/exit-codes.ts';
import { errorTable, exitOf, TunlError } from '../../../src/core/errors.ts';

const rows = listExitCodes();

/** Scripts rely on this: a status of the table never moves to another cause. */
test.each([
  ['0', 'ok'],
  ['1', 'internal'],
  ['2', 'usage'],
  ['5', 'dns_error'],
  ['6', 'dns_error'],
  ['7', 'connection_refused'],
  ['28', 'connection_timeout'],
  ['35', 'tls_protocol_error'],
  ['56', 'tunnel_truncated'],
  ['60', 'tls_certificate_error'],
  ['67', 'auth_required'],
  ['97', 'hop_refused'],
  ['98', 'address_in_use'],
  ['128+n', 'interrupted'],
  ['141', 'output_closed'],
])('%s stands for %s', (status, code) => {
  expect(rows.find((row) => row.status === status)?.codes.map((entry) => entry.code)).toContain(code);
});

test('every failure of the table is listed, with the status that it ends with', () => {
  for (const code of Object.keys(errorTable) as (keyof typeof errorTable)[]) {
    if (code === 'interrupted') continue;
    const status = String(exitOf(new TunlError(code, '')));
    expect(rows.find((row) => row.status === status)?.codes.map((entry) => entry.code)).toContain(code);
  }
});

test('statuses come in order, each once', () => {
  const numbers = rows.map(({ status }) => Number(status.replace('+n', '.5')));
  expect(numbers).toEqual([...new Set(numbers)].toSorted((first, second) => first - second));
});
