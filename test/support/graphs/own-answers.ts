import fc from 'fast-check';
import type { BodyForm, OwnAnswers } from '../../../src/chain/model/http.ts';

/** Generates the form of a body; often none. */
export const bodyForm: fc.Arbitrary<BodyForm | undefined> = fc.constantFrom<BodyForm | undefined>(
  undefined,
  undefined,
  { format: '%LOCAL_REPLY_BODY% ${x} 100%%\n' },
  { format: '', type: 'text/html', omitMissing: true },
  { format: { status: '%RESPONSE_CODE%', 'a b': '%REQ(x-a?:path)% ${x}' } },
  { format: { text: '%LOCAL_REPLY_BODY%' }, type: 'application/problem+json' },
);

/** Generates what is changed in the answers of a stage; usually nothing. `file` is one that is there. */
export function ownAnswers(file: string): fc.Arbitrary<OwnAnswers | undefined> {
  return fc.constantFrom<OwnAnswers | undefined>(
    undefined,
    undefined,
    { changes: [], form: { format: '%RESPONSE_FLAGS%' } },
    {
      changes: [
        {
          when: [
            [
              { kind: 'status', compare: '>=', value: 500 },
              { kind: 'flags', flags: ['UF', 'NR'] },
            ],
            [
              { kind: 'took', compare: '!=', value: 1500 },
              { kind: 'field', field: { name: 'x-a', value: { kind: 'prefix', value: '${x}' } } },
            ],
          ],
          status: 200,
          body: '',
          form: { format: { a: '%DURATION%' }, omitMissing: true },
          fields: {
            set: [{ name: 'x-a', value: '%RESP(x-b)% ${x}', keepEmpty: true }],
            add: [{ name: 'x-a', value: 'b' }],
          },
        },
        { when: [[]], bodyFile: file, form: { format: '%LOCAL_REPLY_BODY%', type: 'text/html; charset=utf-8' } },
      ],
      form: { format: 'a', type: 'text/css' },
    },
    { changes: [{ when: [[{ kind: 'flags', flags: [] }]], body: '${x}' }] },
    { changes: [{ when: [[]] }] },
  );
}
