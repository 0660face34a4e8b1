import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFaults } from '../../../src/chain/check/validate.ts';
import { TunlError } from '../../../src/core/errors.ts';
import { amount } from '../../support/amounts.ts';
import { fixtureNames, makeChanges, makeLikelyChanges, plainValues } from '../../support/graphs/envoy-changes.ts';
import { loadEnvoy } from '../../support/graphs/envoy-file.ts';

const values = fc.oneof(
  plainValues,
  fc.constantFrom<unknown>({ '@type': 'x/y' }, { '@type': 5 }, { socket_address: {} }, { constructor: {} }),
  fc.anything({ maxDepth: 2, values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)] }),
);

/** A message that says itself what is right. */
const saysIt = /must (?:be|have) |is missing$| needs | is not (?:a|an) /;
/** A hint about another fault. */
const isOfOthers = /^(?:also envoy\.yaml:|and \d+ more$|the first one is at )/;

test('a refusal of a changed file says where, which field, why, and what runs instead', () => {
  const changes = fc.sample(makeLikelyChanges(), { numRuns: amount(800, 8000), seed: 5 });
  const messages = changes.flatMap(({ what, text }) => {
    try {
      loadEnvoy(text);
      return [];
    } catch (error) {
      if (!(error instanceof TunlError)) throw error;
      return [{ what, text, message: error.message, hints: error.facts.hints ?? [] }];
    }
  });
  expect(messages.length).toBeGreaterThan(changes.length / 3);
  const silent = messages.filter(({ text, message, hints }) => {
    const [, line = '', column = '', says = ''] = /^envoy\.yaml:(\d+):(\d+): (.+)$/.exec(message) ?? [];
    const lines = text.split('\n');
    const isThere = Number(column) <= (lines[Number(line) - 1] ?? '').length + 1;
    const words: readonly string[] = says.match(/@?[a-z]\w+/gi) ?? [];
    const namesField = words.some(
      (word) => lines.some((each) => each.trimStart().startsWith(word)) || text.includes(`${word}:`),
    );
    // A field that is missing, or of which the list is, is not in the text.
    const isNamed = namesField || / is missing$|^listeners: /.test(says);
    const instead = hints.some((hint) => !isOfOthers.test(hint)) || saysIt.test(says);
    return !(isThere && isNamed && instead);
  });
  expect(silent.map(({ what, message, hints }) => [what, message, ...hints])).toEqual([]);
});

test('whatever is changed in a file, it is a graph that can run, or is refused at its place', () => {
  fc.assert(
    fc.property(makeChanges(fixtureNames, values), fc.boolean(), (text, allowUnknownFields) => {
      try {
        expect(findFaults(loadEnvoy(text, allowUnknownFields).graph)).toEqual([]);
      } catch (error) {
        if (!(error instanceof TunlError)) throw error;
        expect(error.code).toBe('usage');
        expect(error.message).toMatch(/^envoy\.yaml:\d+:\d+: [^\n]+$/);
      }
    }),
    { numRuns: 1000 },
  );
});
