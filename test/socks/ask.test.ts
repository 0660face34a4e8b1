import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TcpAddress } from '../../src/core/address.ts';
import { TunlError } from '../../src/core/errors.ts';
import { linkPair, resetError } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { askSocks4, askSocks5, type Outcome } from '../../src/socks/ask.ts';
import { ShortRead } from '../../src/socks/bytes.ts';
import { formatLogin, formatSocks4Request, formatSocks5Request } from '../../src/socks/client-messages.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { refusalOf } from '../support/usage.ts';

const never = new AbortController().signal;
const target: TcpAddress = { kind: 'tcp', host: 'db.test', port: 5432 };
const credentials = { user: 'me', password: new Secret('secret') };

type Ask = (stream: RawPeer['stream']) => Promise<Outcome>;
const ask5: Ask = (stream) => askSocks5(stream, target, undefined, never);
const ask5WithLogin: Ask = (stream) => askSocks5(stream, target, credentials, never);
const ask4: Ask = (stream) => askSocks4(stream, target, undefined, never);

const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Lets a client ask, and a server send pieces one after the other; then the server ends, if it does. */
async function play(ask: Ask, pieces: readonly Buffer[], ends = true) {
  const [near, far] = linkPair();
  const server = new RawPeer(far);
  const asking = ask(near.stream);
  asking.catch(() => {});
  for (const piece of pieces) {
    server.send(piece);
    // A turn for the client, so that pieces arrive one by one.
    await new Promise((resolve) => void setImmediate(resolve));
  }
  if (ends) server.fin();
  return { asking, server, near };
}

/** The whole of what a server sends before the first byte of the tunnel. */
const granted: readonly (readonly [name: string, ask: Ask, answer: Buffer])[] = [
  ['SOCKS5 and an IPv4 address', ask5, bytes('0500 0500 00 01 7f000001 1538')],
  ['SOCKS5 and an IPv6 address', ask5, bytes('0500 0500 00 04 00000000000000000000000000000001 1538')],
  ['SOCKS5 and a name', ask5, bytes('0500 0500 00 03 03616263 1538')],
  ['SOCKS5 and an empty name', ask5, bytes('0500 0500 00 03 00 1538')],
  ['SOCKS5 with a login', ask5WithLogin, bytes('0502 0100 0500 00 01 7f000001 1538')],
  ['SOCKS5 with a login that it does not need', ask5WithLogin, bytes('0500 0500 00 01 7f000001 1538')],
  ['SOCKS4', ask4, bytes('005a 1538 7f000001')],
];

describe.each(granted)('an answer of %s', (_name, ask, answer) => {
  const greeting = Buffer.from('SSH-2.0-x\r\n');

  test('opens the tunnel, whose first bytes may come with it', async () => {
    const { asking, near } = await play(ask, [Buffer.concat([answer, greeting])]);
    expect(await asking).toEqual({ kind: 'opened' });
    expect(await new RawPeer(near).readToEnd()).toEqual(greeting);
  });

  test('may come in any pieces', async () => {
    const whole = Buffer.concat([answer, greeting]);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(cuts, async (unsorted) => {
        const at = [0, ...unsorted.toSorted((one, other) => one - other), whole.length];
        const pieces = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        const { asking, near } = await play(ask, pieces);
        expect(await asking).toEqual({ kind: 'opened' });
        expect(await new RawPeer(near).readToEnd()).toEqual(greeting);
      }),
      { numRuns: 30 },
    );
  });

  test('opens nothing if it is cut at any byte', async () => {
    for (let end = 0; end < answer.length; end++) {
      const { asking } = await play(
        ask,
        [answer.subarray(0, end)].filter((piece) => piece.length > 0),
      );
      await expect(asking).rejects.toBeInstanceOf(ShortRead);
    }
  });

  test('opens nothing if the connection is reset at any byte', async () => {
    for (let end = 0; end < answer.length; end++) {
      const { asking, server } = await play(
        ask,
        [answer.subarray(0, end)].filter((piece) => piece.length > 0),
        false,
      );
      server.reset();
      await expect(asking).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    }
  });

  test('is not waited for any longer once nobody wants the tunnel', async () => {
    const caller = new AbortController();
    const [near] = linkPair();
    const asking = ask === ask4 ? askSocks4 : askSocks5;
    const waiting = asking(near.stream, target, undefined, caller.signal);
    caller.abort(new TunlError('interrupted', 'nobody waits'));
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  });
});

test.each<[string, Ask, string, Outcome]>([
  ['no way to log on that was offered', ask5, '05ff', { kind: 'no-method' }],
  ['a way to log on that was not offered', ask5, '0502', { kind: 'stranger', received: bytes('0502') }],
  ['GSSAPI, which was not offered either', ask5WithLogin, '0501', { kind: 'stranger', received: bytes('0501') }],
  ['another version', ask5, '0400', { kind: 'stranger', received: bytes('0400') }],
  ['HTTP', ask5, Buffer.from('HTTP/1.1 400').toString('hex'), { kind: 'stranger', received: Buffer.from('HT') }],
  ['a wrong password', ask5WithLogin, '0502 0101', { kind: 'bad-login' }],
  ['a refusal without the rest', ask5, '0500 0502', { kind: 'refused', answer: 2 }],
  ['a refusal that SOCKS does not define', ask5, '0500 05f4', { kind: 'refused', answer: 0xf4 }],
  ['another version in the second answer', ask5, '0500 0100', { kind: 'stranger', received: bytes('0100') }],
  ['an address of no kind', ask5, '0500 0500 00 02 0000', { kind: 'stranger', received: bytes('0500') }],
  ['a refusal of SOCKS4', ask4, '005b', { kind: 'refused', answer: 0x5b }],
  ['SOCKS5 in place of SOCKS4', ask4, '0500', { kind: 'stranger', received: bytes('0500') }],
  ['a request of SOCKS4 that comes back', ask4, '045a', { kind: 'stranger', received: bytes('045a') }],
])('%s is told as such', async (_name, ask, answer, outcome) => {
  const { asking } = await play(ask, [bytes(answer)]);
  expect(await asking).toEqual(outcome);
});

test('any bytes lead to an outcome, and none of them opens a tunnel by chance', async () => {
  const starts = fc.constantFrom(bytes('05'), bytes('0500'), bytes('0502'), bytes('0500 05'), bytes('00'), bytes(''));
  await fc.assert(
    fc.asyncProperty(
      starts,
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.boolean(),
      async (start, rest, isFour) => {
        const sent = Buffer.concat([start, rest]);
        const { asking } = await play(isFour ? ask4 : ask5, [sent]);
        const outcome = await asking.catch((error: unknown) => {
          expect(error).toBeInstanceOf(ShortRead);
          return undefined;
        });
        const isGranted = isFour ? sent[0] === 0 && sent[1] === 0x5a : sent[2] === 5 && sent[3] === 0;
        if (outcome?.kind === 'opened') expect(isGranted).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

describe('a request', () => {
  test.each<[string, TcpAddress, string]>([
    ['a name', target, '05010003 07 64622e74657374 1538'],
    ['an IPv4 address', { ...target, host: '192.0.2.1' }, '05010001 c0000201 1538'],
    ['an IPv6 address', { ...target, host: '2001:db8::1' }, '05010004 20010db8000000000000000000000001 1538'],
    ['a resolved name', { ...target, resolved: [{ address: '192.0.2.1', family: 4 }] }, '05010001 c0000201 1538'],
    ['the highest port', { ...target, host: '192.0.2.1', port: 65_535 }, '05010001 c0000201 ffff'],
  ])('of SOCKS5 for %s', (_name, address, wanted) => {
    expect(formatSocks5Request(address)).toEqual(bytes(wanted));
  });

  test.each<[string, TcpAddress, string, string]>([
    ['a name', target, '', '0401 1538 00000001 00 64622e74657374 00'],
    ['an IPv4 address', { ...target, host: '192.0.2.1' }, 'me', '0401 1538 c0000201 6d65 00'],
    ['an IPv6 address, as a name', { ...target, host: '::1' }, 'me', '0401 1538 00000001 6d65 00 3a3a31 00'],
    ['a resolved name', { ...target, resolved: [{ address: '192.0.2.1', family: 4 }] }, '', '0401 1538 c0000201 00'],
  ])('of SOCKS4 for %s', (_name, address, user, wanted) => {
    expect(formatSocks4Request(address, user)).toEqual(bytes(wanted));
  });

  test('has no room for a longer name than its one byte of length counts', () => {
    const long = { ...target, host: 'x'.repeat(256) };
    const message = 'the name has 256 bytes, and SOCKS has room for 255';
    expect(refusalOf(() => formatSocks5Request(long)).message).toBe(message);
    expect(refusalOf(() => formatSocks4Request(long)).message).toBe(message);
    expect(formatSocks5Request({ ...target, host: 'x'.repeat(255) })).toHaveLength(4 + 1 + 255 + 2);
  });

  test('says nothing to the server if it cannot be sent', async () => {
    const [near, far] = linkPair();
    const asking = askSocks5(near.stream, { ...target, host: 'x'.repeat(256) }, undefined, never);
    await expect(asking).rejects.toMatchObject({ code: 'usage' });
    near.stream.end();
    expect(await new RawPeer(far).readToEnd()).toHaveLength(0);
  });
});

describe('a login', () => {
  test('is the user and the password, each with its length', () => {
    expect(formatLogin(credentials)).toEqual(bytes('01 02 6d65 06 736563726574'));
    expect(formatLogin({ user: 'ü', password: new Secret('') })).toEqual(bytes('01 02 c3bc 00'));
  });

  test.each([
    ['', 'x', 'SOCKS has no empty user names'],
    ['u'.repeat(256), 'x', 'the user name has 256 bytes, and SOCKS has room for 255'],
    ['u', 'x'.repeat(256), 'the password has 256 bytes, and SOCKS has room for 255'],
  ])('that does not fit is refused (%#)', (user, password, message) => {
    expect(() => formatLogin({ user, password: new Secret(password) })).toThrow(message);
  });

  test('of SOCKS4 has no NUL', () => {
    expect(() => formatSocks4Request(target, 'a\0b')).toThrow('SOCKS4 has no user names with a NUL');
  });

  test('is sent only to a server that asks for it', async () => {
    const { server, asking } = await play(ask5WithLogin, [bytes('0500 0500 00 01 7f000001 1538')], false);
    await asking;
    expect(await server.read(4)).toEqual(bytes('05 02 00 02'));
    expect(await server.read(formatSocks5Request(target).length)).toEqual(formatSocks5Request(target));
    server.reset();
  });
});

test('a stream that is over already is no answer', async () => {
  const [near] = linkPair();
  near.stream.destroy(resetError('gone'));
  await expect(ask5(near.stream)).rejects.toBeInstanceOf(Error);
});
