import { expect, test } from 'vitest';
import { passesFilter } from '../../../src/app/tunnel/log-filter.ts';
import type { LogTest } from '../../../src/chain/model/log-filter.ts';
import type { FormatFacts } from '../../../src/syntax/format/format.ts';

const request = { method: 'GET', target: '/a', authority: 'host', version: '1.1' } as const;
const facts: FormatFacts = {
  origin: { peer: {}, request, headers: [['x-a', 'b']] },
  began: 0,
  ms: 1500,
  status: 404,
  flags: 'UF,URX',
};

const status = (compare: '=' | '>=' | '<=' | '!=', value: number): LogTest => ({ kind: 'status', compare, value });
const took = (compare: '=' | '>=' | '<=' | '!=', value: number): LogTest => ({ kind: 'took', compare, value });
const path = { kind: 'exact', value: '/a' } as const;

test.each<[LogTest, boolean]>([
  [status('=', 404), true],
  [status('=', 200), false],
  [status('>=', 404), true],
  [status('>=', 405), false],
  [status('<=', 404), true],
  [status('<=', 403), false],
  [status('!=', 404), false],
  [status('!=', 200), true],
  [took('>=', 1500), true],
  [took('<=', 1499), false],
  [{ kind: 'flags', flags: [] }, true],
  [{ kind: 'flags', flags: ['NR', 'URX'] }, true],
  [{ kind: 'flags', flags: ['U'] }, false],
  [{ kind: 'field', field: { name: ':path', value: path } }, true],
  [{ kind: 'field', field: { name: ':method', value: path } }, false],
  [{ kind: 'field', field: { name: 'x-a' } }, true],
  [{ kind: 'field', field: { name: 'x-b', invert: true } }, true],
])('%o is met: %s', (condition, isMet) => {
  expect(passesFilter([[condition]], facts)).toBe(isMet);
});

test('all conditions of one list must be met', () => {
  const [yes, no] = [status('=', 404), status('=', 200)];
  expect(passesFilter([[yes, took('>=', 1)]], facts)).toBe(true);
  expect(passesFilter([[yes, no]], facts)).toBe(false);
  expect(passesFilter([[no], [yes]], facts)).toBe(true);
  expect(passesFilter([], facts)).toBe(false);
});

test('a tunnel without an answer has the status 0, and one without a request has no fields', () => {
  const bare: FormatFacts = { origin: { peer: {} }, began: 0 };
  expect(passesFilter([[status('=', 0)]], bare)).toBe(true);
  expect(passesFilter([[{ kind: 'flags', flags: [] }]], bare)).toBe(false);
  for (const name of [':path', ':method', ':authority', 'x-a']) {
    expect(passesFilter([[{ kind: 'field', field: { name } }]], bare)).toBe(false);
  }
});
