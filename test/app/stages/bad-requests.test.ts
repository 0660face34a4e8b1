import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { calmLimits } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { type Answer, type ProxyBed, startProxyBed } from '../../support/harness/proxy-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';

const label63 = 'a'.repeat(63);

/** Targets that no request may name; none of them may be looked up or dialled. */
const targets: readonly (readonly [what: string, target: string])[] = [
  ['no port', 'a'],
  ['an empty port', 'a:'],
  ['port 0', 'a:0'],
  ['a port above 65535', 'a:65536'],
  ['a port that overflows to 443', 'a:4294967739'],
  ['a port with leading zeros', 'a:00443'],
  ['a port with a sign', 'a:+443'],
  ['a port with a letter', 'a:443x'],
  ['a path', '/'],
  ['a URL', 'http://a:80/'],
  ['a user and a password', 'alice:hunter2@a:443'],
  ['a path after the port', 'a:443/x'],
  ['a query after the port', 'a:443?x'],
  ['a fragment after the port', 'a:443#x'],
  ['IPv6 without brackets', '::1:443'],
  ['a zone', '[fe80::1%25eth0]:443'],
  ['an empty host', ':443'],
  ['254 octets', `${`${label63}.`.repeat(3)}${'b'.repeat(62)}:443`],
  ['a label of 64 octets', `${label63}a:443`],
  ['a leading dot', '.a:443'],
  ['two dots', 'a..b:443'],
  ['a name that only another proxy could know', 'a~b:443'],
  ['an escaped NUL', 'a%00b:443'],
  ['an escaped line break', 'a%0d%0ax:443'],
  ['bytes above 0x7f', 'a\u00e4\u00ff:443'],
  ['a star', '*:443'],
  ['a comma', 'a,b:443'],
  ['a backslash', 'a\\b:443'],
  ['a decimal number', '2130706433:443'],
  ['a hexadecimal number', '0x7f000001:443'],
  ['a short form', '127.1:443'],
  ['an octal part', '0177.0.0.1:443'],
  ['zero', '0:443'],
  ['ideographic full stops', Buffer.from('127。0。0。1:443').toString('latin1')],
  ['escaped ideographic full stops', `${encodeURIComponent('127。0。0。1')}:443`],
];

describe.each(['clear', 'tls'] as const)('over %s', (security) => {
  let bed: ProxyBed;
  beforeEach(async () => {
    bed = await startProxyBed({ security });
  });

  /** The answer says no, in one piece, and repeats nothing of the request that could do harm. */
  async function expectRefused(answer: Answer, ...statuses: readonly number[]): Promise<void> {
    expect(statuses).toContain(answer.status);
    expect(answer.head).toMatch(/^Proxy-Status: tunl; error=http_request_error\r$/m);
    expect(answer.head).toMatch(/^Connection: close\r$/m);
    expect(answer.head + answer.body).toMatch(/^[\r\n\x20-\x7e]*$/);
    expect(answer.body).toMatch(/^tunl: .*\n$/);
    const record = { status: answer.status, error: expect.objectContaining({ code: 'http_request_error' }) };
    await eventually(() => bed.serve.eventsOf('tunnel.failed'), [expect.objectContaining(record)]);
    await bed.expectUnharmed();
  }

  describe('a target with', () => {
    test.each(targets)('%s is 400', async (_, target) => {
      const answer = await bed.ask(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await expectRefused(answer, 400);
      const said = JSON.stringify([answer, bed.serve.events]);
      expect(said).not.toContain('hunter2');
    });

    test.each([
      ['NUL', 'a\u0000b:443'],
      ['DEL', 'a\u007f:443'],
      ['a space', 'a b:443'],
      ['nothing', ''],
    ])('%s is 400 as well', async (_, target) => {
      await expectRefused(await bed.ask(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`), 400);
    });
  });

  describe('a request line', () => {
    test.each([
      ['of HTTP/0.9', 'CONNECT TARGET HTTP/0.9', 505],
      ['of HTTP/1.2', 'CONNECT TARGET HTTP/1.2', 400],
      ['of HTTP/2.0', 'CONNECT TARGET HTTP/2.0', 505],
      ['of HTTP/1.1x', 'CONNECT TARGET HTTP/1.1x', 400],
      ['without a version', 'CONNECT TARGET', 400],
      ['with two spaces', 'CONNECT  TARGET HTTP/1.1', 400],
      ['with a tab', 'CONNECT\tTARGET HTTP/1.1', 400],
      ['of 9 KiB', `CONNECT ${'a'.repeat(9 * 1024)}:443 HTTP/1.1`, 414],
    ])('%s is refused', async (_, line, status) => {
      await expectRefused(await bed.ask(`${line.replace('TARGET', bed.authority)}\r\nHost: a\r\n\r\n`), status);
    });

    test.each(['GET', 'POST', 'OPTIONS', 'TRACE', 'connect', 'PURGE'])('with %s is 405 with Allow', async (method) => {
      const answer = await bed.ask(`${method} http://${bed.authority}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(answer.head).toMatch(/^Allow: CONNECT\r$/m);
      await expectRefused(answer, 405);
    });
  });

  test.each(['the-moon', '100-continue, the-moon', '100-continue\r\nExpect: the-moon', '"100-continue"'])(
    'a request that expects %j is 417',
    async (what) => {
      const answer = await bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\nExpect: ${what}\r\n\r\n`);
      await expectRefused(answer, 417);
    },
  );

  describe('fields', () => {
    test.each([
      ['no Host in HTTP/1.1', ''],
      ['two Host', 'Host: a\r\nHost: b\r\n'],
      ['two equal Host', 'Host: a\r\nHost: a\r\n'],
      ['a Host that is none', 'Host: a b\r\n'],
      ['a bare LF', 'Host: a\nX: b\r\n'],
      ['a bare CR', 'Host: a\rX: b\r\n'],
      ['NUL in a value', 'Host: a\r\nX: \u0000\r\n'],
      ['obs-fold', 'Host: a\r\nX: b\r\n c\r\n'],
      ['a space before the colon', 'Host : a\r\n'],
      ['a space before the first field', ' Host: a\r\n'],
      ['a line without a colon', 'Host: a\r\nX\r\n'],
      ['an empty name', 'Host: a\r\n: x\r\n'],
    ])('with %s are 400', async (_, fields) => {
      await expectRefused(await bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\n${fields}\r\n`), 400);
    });

    test.each([
      ['101', 'X: y\r\n'.repeat(100)],
      ['2,500', 'X: y\r\n'.repeat(2499)],
      ['17 KiB of', `X: ${'y'.repeat(4000)}\r\n`.repeat(4) + `X: ${'y'.repeat(1000)}\r\n`],
    ])('%s are 431, and nothing of them is overlooked', async (_, fields) => {
      await expectRefused(await bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`), 431);
    });
  });

  test.each([
    ['a SOCKS5 greeting', Buffer.from([5, 1, 0])],
    ['a SOCKS4 request', Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0])],
    ['CR LF CR and a letter', Buffer.from('\r\n\rX')],
    ['five empty lines', Buffer.from('\r\n\r\n\r\n\r\n\r\n')],
    ['4 KiB of noise', Buffer.concat([Buffer.of(0), randomBytes(4095)])],
    ['the beginning of a TLS handshake', Buffer.from('160301020001000203fc0303', 'hex')],
  ])('%s is 400 at once', async (_, bytes) => {
    await expectRefused(await bed.ask(bytes), 400);
  });

  test('a client that goes in the middle of its request leaves nothing behind', async () => {
    const client = await bed.connect();
    client.send('CONNECT 127.0.0.1:1 HT');
    client.reset();
    await bed.expectUnharmed();
  });
});

test('a request that comes a byte at a time is answered at the limit, however busy it is', async () => {
  const bed = await startProxyBed({ limits: { ...calmLimits, handshakeMs: 100 } });
  const client = await bed.connect();
  const drip = setInterval(() => client.send('A'), 20);
  const answer = (await client.readToEnd()).toString();
  clearInterval(drip);
  client.fin();
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  await bed.expectUnharmed();
});

test('HTTP on a port for TLS is closed without harm, and told once', async () => {
  const bed = await startProxyBed({ security: 'tls' });
  const client = await connectPeer(bed.serve.port);
  client.send(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await client.waitForEnd();
  client.fin();
  await bed.expectUnharmed();
  await eventually(
    () => bed.serve.eventsOf('tunnel.failed').map(({ error }) => [error.side, error.phase]),
    [['client', 'tls']],
  );
});

test('a port check, which sends nothing, is not worth a record', async () => {
  const bed = await startProxyBed();
  const client = await bed.connect();
  client.fin();
  await client.waitForEnd();
  await bed.expectUnharmed();
  expect(bed.serve.eventsOf('tunnel.failed')).toEqual([]);
});

test('over HTTP/2 an expectation that cannot be met is 417, and 100-continue is passed over', async () => {
  const bed = await startHttp2Bed();
  const session = await bed.connect();
  const ask = (what: string) => session.outcomeOf(session.connect(bed.authority, [['expect', what]]));
  expect([await ask('the-moon'), await ask('100-Continue')]).toEqual([{ status: 417 }, { status: 200 }]);
});
