import fc from 'fast-check';
import type { StateValue } from '../../../src/syntax/format/state.ts';

const more = fc.record(
  {
    share: fc.constantFrom('once' as const, 'always' as const),
    skipEmpty: fc.constant(true as const),
    omitMissing: fc.constant(true as const),
  },
  { requiredKeys: [] },
);

function stateOf(values: readonly string[]): fc.Arbitrary<readonly StateValue[]> {
  const one = fc.tuple(fc.constantFrom('a', 'b.c', 'envoy d'), fc.constantFrom(...values), more);
  return fc.uniqueArray(
    one.map(([name, value, rest]): StateValue => ({ name, value, ...rest })),
    { minLength: 1, maxLength: 3, selector: ({ name }) => name },
  );
}

const ofConnections = ['text', '%DOWNSTREAM_LOCAL_PORT%', '100%% %FILTER_STATE(a:PLAIN)%'];

/** Generates the values of a stage that forwards. */
export const connectionState: fc.Arbitrary<readonly StateValue[]> = stateOf(ofConnections);

/** Generates the values of an HTTP stage. */
export const requestState: fc.Arbitrary<readonly StateValue[]> = stateOf([...ofConnections, '%REQ(x-a?x-b)%:443']);

/** Generates targets with operators, for stages that ask a proxy. */
export const targetFormat: fc.Arbitrary<string | undefined> = fc.constantFrom(
  undefined,
  undefined,
  '%REQUESTED_SERVER_NAME%:443',
  '%FILTER_STATE(a:PLAIN)%',
  '%DOWNSTREAM_LOCAL_ADDRESS%',
);
