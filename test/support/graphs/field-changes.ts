import fc from 'fast-check';
import type { FieldChanges } from '../../../src/chain/model/http.ts';

/** Generates what a stage, a host or a route changes in fields; usually nothing. */
export const fieldChanges: fc.Arbitrary<{ readonly changes?: FieldChanges }> = fc.constantFrom(
  {},
  {},
  { changes: { request: { remove: ['x-a'] } } },
  {
    changes: {
      request: {
        remove: ['x-a', 'x-b'],
        set: [
          { name: 'x-c', value: 'a %REQ(X-A?:path)% ${x}' },
          { name: 'x-c', value: '' },
        ],
        setPresent: [{ name: 'x-d', value: '100%%' }],
      },
      response: { addAbsent: [{ name: 'server', value: '', keepEmpty: true }] },
    },
  },
  {
    changes: {
      response: {
        add: [
          { name: 'x-up', value: '%UPSTREAM_REMOTE_ADDRESS%' },
          { name: 'x-up', value: '%RESPONSE_CODE%' },
        ],
      },
    },
  },
);
