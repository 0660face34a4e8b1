import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readToken } from '../../../src/auth/negotiate/spnego.ts';
import { amount } from '../../support/amounts.ts';

/** Writes an element of DER. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const spnego = oid('2b0601050502');
const kerberos = oid('2a864886f712010202');
const windowsKerberos = oid('2a864882f712010202');
const ntlm = oid('2b06010401823702020a');
const ntlmMessage = Buffer.from('NTLMSSP\0\u0001\0\0\0', 'latin1');

const offer = (mechanisms: readonly Buffer[], inner: Buffer) =>
  der(0x60, spnego, der(0xa0, der(0x30, der(0xa0, der(0x30, ...mechanisms)), der(0xa2, der(0x04, inner)))));
const answer = (state: number | undefined, chosen?: Buffer) =>
  der(
    0xa1,
    der(
      0x30,
      ...(state === undefined ? [] : [der(0xa0, der(0x0a, Buffer.from([state])))]),
      ...(chosen ? [der(0xa1, chosen)] : []),
      der(0xa2, der(0x04, Buffer.alloc(300))),
    ),
  );

const tokens: readonly (readonly [what: string, token: Buffer, facts: object])[] = [
  ['a ticket', offer([kerberos], Buffer.alloc(700)), { mechanism: 'Kerberos', isKerberosOnly: true }],
  ['a ticket beside NTLM', offer([kerberos, ntlm], Buffer.alloc(700)), { mechanism: 'Kerberos' }],
  [
    'a ticket of Windows',
    offer([windowsKerberos, kerberos], Buffer.alloc(10)),
    { mechanism: 'Kerberos', isKerberosOnly: true },
  ],
  ['an offer of nothing', offer([], Buffer.alloc(10)), {}],
  ['NTLM inside', offer([ntlm], ntlmMessage), { mechanism: 'NTLM' }],
  ['NTLM before its turn', offer([kerberos, ntlm], ntlmMessage), { mechanism: 'NTLM' }],
  ['bare NTLM', ntlmMessage, { mechanism: 'NTLM' }],
  ['bare Kerberos', der(0x60, kerberos, Buffer.from([1, 0])), { mechanism: 'Kerberos' }],
  ['another mechanism', offer([oid('2b0601040182370202aa')], Buffer.alloc(3)), {}],
  ['consent', answer(0, kerberos), { mechanism: 'Kerberos', state: 'completed' }],
  ['a further question', answer(1, ntlm), { mechanism: 'NTLM', state: 'incomplete' }],
  ['a rejection', answer(2), { state: 'rejected' }],
  ['a wish for a MIC', answer(3), { state: 'mic-wanted' }],
  ['an unknown state', answer(9), {}],
  ['no state', answer(undefined), {}],
  ['nothing', Buffer.alloc(0), {}],
  ['an endless length', Buffer.from([0x60, 0x80, 0, 0]), {}],
  ['a length beyond the end', Buffer.from([0x60, 0x84, 0xff, 0xff, 0xff, 0xff, 6]), {}],
];

describe('a token of Negotiate', () => {
  test.each(tokens)('that is %s', (_what, token, facts) => {
    expect(readToken(token)).toEqual(facts);
  });

  test('may be anything, and is read without a fault', () => {
    const broken = fc
      .tuple(fc.constantFrom(...tokens.map(([, token]) => token)), fc.array(fc.tuple(fc.nat(), fc.nat(255))), fc.nat())
      .map(([token, changes, end]) => {
        const bytes = Buffer.from(token);
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - (end % (bytes.length + 1)));
      });
    const any = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(broken, any), (bytes) => {
        const { mechanism, state } = readToken(bytes);
        expect([undefined, 'Kerberos', 'NTLM']).toContain(mechanism);
        expect([undefined, 'completed', 'incomplete', 'rejected', 'mic-wanted']).toContain(state);
      }),
      { numRuns: amount(20_000, 200_000) },
    );
  });
});
