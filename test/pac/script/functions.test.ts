import { expect, test } from 'vitest';
import { PacScript } from '../../../src/pac/script/script.ts';
import { addresses, type Case, names, own, syntax, times, zone } from './expressions.ts';

/** Makes a script that gives the values of all expressions, as JSON. */
function makeScript(cases: readonly Case[], now = new Date()): PacScript {
  const text = `
    const cases = [${cases.map(([expression]) => `() => ${expression}`).join(',\n')}];
    function FindProxyForURL(url, host) {
      const value = cases[Number(host.slice(1))]();
      return value === undefined ? 'undefined' : JSON.stringify(value);
    }`;
  const resolve = async (host: string) => zone[host] ?? Promise.reject(new Error('no such name'));
  return new PacScript(
    text,
    { resolve, ownAddresses: async () => own },
    { passMs: 5000, allPassesMs: 20_000 },
    () => now,
  );
}

async function evaluate(script: PacScript, index: number): Promise<unknown> {
  const target = { kind: 'tcp', host: `c${index}`, port: 443 } as const;
  const { result } = await script.decide(target, new AbortController().signal);
  return result === 'undefined' ? undefined : JSON.parse(result);
}

async function expectAll(cases: readonly Case[], now?: Date): Promise<void> {
  const script = makeScript(cases, now);
  for (const [index, [expression, value]] of cases.entries()) {
    expect.soft([expression, await evaluate(script, index)]).toEqual([expression, value]);
  }
}

test('gives the values of functions about names', () => expectAll(names));

test('gives the values of functions about addresses', () => expectAll(addresses));

test('gives the values of functions about the time in the local zone', () =>
  expectAll(times, new Date(2026, 10, 30, 10, 20, 30)));

test('gives the values of functions about the time in GMT', () => {
  const inGmt = times.map(([expression, value]): Case => {
    const isEmpty = expression.endsWith('()');
    return [expression.replace(/\)$/, isEmpty ? '"GMT")' : ', "GMT")'), value];
  });
  return expectAll(inGmt, new Date(Date.UTC(2026, 10, 30, 10, 20, 30)));
});

test('runs the language of today', () => expectAll(syntax));

test('there are at least 200 expressions', () => {
  expect(names.length + addresses.length + times.length + syntax.length).toBeGreaterThanOrEqual(200);
});
