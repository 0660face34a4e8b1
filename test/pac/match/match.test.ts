import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInPrefix, sortAddresses } from '../../../src/pac/match/addresses.ts';
import { matchesGlob } from '../../../src/pac/match/glob.ts';
import { formatWay, parseResult } from '../../../src/pac/ways/result.ts';

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });

test('a pattern matches what the regular expression of the same meaning matches', () => {
  fc.assert(
    fc.property(letters, pattern, (text, glob) => {
      const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      expect(matchesGlob(text, glob)).toBe(new RegExp(`^${source}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern that would make a regular expression backtrack for ever is matched', () => {
  expect(matchesGlob('a'.repeat(8192), `${'*a'.repeat(2000)}b`)).toBe(false);
});

test('any text is a result with at least one way', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const ways = parseResult(text);
      expect(ways.length).toBeGreaterThan(0);
      // A way that was understood means the same when it is read again.
      for (const way of ways.map(formatWay)) expect(way).toMatch(/^(?:direct|(?:https?|socks4|socks5h):\/\/\S+:\d+)$/);
    }),
    { numRuns: 2000 },
  );
});

test('every address is in its own network of any length', () => {
  const isInOwn = (address: string, length: number) => isInPrefix(address, `${address}/${length}`);
  fc.assert(fc.property(fc.ipV4(), fc.nat(32), isInOwn));
  fc.assert(fc.property(fc.ipV6(), fc.nat(128), isInOwn));
});

test('sorted addresses are the same ones, and sorted when they are sorted again', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1 }), (list) => {
      const sorted = sortAddresses(list.join(';')) ?? expect.fail('not sorted');
      expect(sorted.split(';').toSorted()).toEqual(list.toSorted());
      expect(sortAddresses(sorted)).toBe(sorted);
    }),
  );
});
