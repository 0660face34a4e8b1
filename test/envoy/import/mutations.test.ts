import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFaults } from '../../../src/chain/check/validate.ts';
import { TunlError } from '../../../src/core/errors.ts';
import { fixtureNames, makeChanges, plainValues } from '../../support/graphs/envoy-changes.ts';
import { loadEnvoy } from '../../support/graphs/envoy-file.ts';

const values = fc.oneof(
  plainValues,
  fc.constantFrom<unknown>({ '@type': 'x/y' }, { '@type': 5 }, { socket_address: {} }, { constructor: {} }),
  fc.anything({ maxDepth: 2, values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)] }),
);

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
