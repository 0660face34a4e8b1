import { beforeEach, describe, expect, test } from 'vitest';
import { type Http2Bed, startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { type Field, flags } from '../../support/peers/h2-frames.ts';
import type { Http2Peer, Outcome } from '../../support/peers/h2-peer.ts';
import { answerAtEnd, listenOnly, startTarget } from '../../support/targets/plain.ts';

const protocolError: Outcome = { reset: 0x1 };
const connect: Field = [':method', 'CONNECT'];

describe.each(['clear', 'tls'] as const)('over %s', (security) => {
  let bed: Http2Bed;
  let peer: Http2Peer;

  beforeEach(async () => {
    bed = await startHttp2Bed({ security });
    peer = await bed.connect();
  });

  /** Nobody was dialled, and the session and all others go on. */
  async function expectUnharmed(): Promise<void> {
    expect(bed.dials()).toBe(0);
    await bed.expectTunnel(peer);
    await bed.expectControl();
  }

  test.each<[string, readonly Field[]]>([
    ['has a path', [connect, [':authority', 'a:443'], [':path', '/']]],
    ['has a scheme', [connect, [':authority', 'a:443'], [':scheme', 'https']]],
    ['has no authority', [connect]],
    ['has two authorities', [connect, [':authority', 'a:443'], [':authority', 'a:443']]],
    ['has no method', [[':authority', 'a:443']]],
    ['names an unknown pseudo-header', [connect, [':authority', 'a:443'], [':port', '443']]],
    ['has a status', [connect, [':authority', 'a:443'], [':status', '200']]],
    ['has its authority after a field', [connect, ['x', 'y'], [':authority', 'a:443']]],
    ['names a protocol, which is not offered', [connect, [':authority', 'a:443'], [':protocol', 'websocket']]],
    ['has Connection', [connect, [':authority', 'a:443'], ['connection', 'close']]],
    ['has Proxy-Connection', [connect, [':authority', 'a:443'], ['proxy-connection', 'keep-alive']]],
    ['has Keep-Alive', [connect, [':authority', 'a:443'], ['keep-alive', '5']]],
    ['has Upgrade', [connect, [':authority', 'a:443'], ['upgrade', 'x']]],
    ['has Transfer-Encoding', [connect, [':authority', 'a:443'], ['transfer-encoding', 'chunked']]],
    ['has TE other than trailers', [connect, [':authority', 'a:443'], ['te', 'gzip']]],
    ['has a name in upper case', [connect, [':authority', 'a:443'], ['X-Upper', 'y']]],
    ['has a length that is none', [connect, [':authority', 'a:443'], ['content-length', '+5']]],
    ['has two lengths', [connect, [':authority', 'a:443'], ['content-length', '0'], ['content-length', '0']]],
    ['has a control character in its authority', [connect, [':authority', 'a\r\nx:443']]],
    ['has a path in its authority', [connect, [':authority', 'a:443/x']]],
    ['has a query in its authority', [connect, [':authority', 'a:443?x']]],
    ['has a URL for an authority', [connect, [':authority', 'http://a:80/']]],
    ['has bytes above 0x7f in its authority', [connect, [':authority', '\u00e4:443']]],
  ])('a CONNECT that %s is reset', async (_, fields) => {
    expect(await peer.outcomeOf(peer.request(fields))).toEqual(protocolError);
    await expectUnharmed();
  });

  test.each([
    'a',
    'a:',
    ':443',
    'a:0',
    'a:65536',
    'a:00443',
    'a:+443',
    'a:443x',
    'a:4294967739',
    '::1:443',
    '[::1%25lo]:443',
    '127.1:443',
    '2130706433:443',
    '0x7f.1:443',
    '.a:443',
    'a..b:443',
    'a~b:443',
    `${'a'.repeat(64)}:443`,
    `${'a.'.repeat(127)}a:443`,
    'a%00:443',
    'a%0d%0a:443',
    '*:443',
  ])('the authority %j is answered with 400', async (authority) => {
    expect(await peer.outcomeOf(peer.connect(authority))).toEqual({ status: 400 });
    await expectUnharmed();
  });

  test('an authority with a user is answered with 400, and its password is not told', async () => {
    expect(await peer.outcomeOf(peer.connect('u:p@a:443'))).toEqual({ status: 400 });
    await expectUnharmed();
    expect(JSON.stringify(bed.serve.events)).not.toContain('u:p');
  });

  test.each<[string, readonly Field[]]>([
    ['content-length: 5', [['content-length', '5']]],
    ['a Host for another place', [['host', 'other.example:443']]],
    [
      'two Proxy-Authorization fields',
      [
        ['proxy-authorization', 'Basic YTpi'],
        ['proxy-authorization', 'Basic YTpi'],
      ],
    ],
  ])('a CONNECT with %s is answered with 400', async (_, fields) => {
    expect(await peer.outcomeOf(peer.connect(bed.authority, fields))).toEqual({ status: 400 });
    await expectUnharmed();
  });

  test.each<[string, readonly Field[]]>([
    ['content-length: 0', [['content-length', '0']]],
    ['the same place as Host', [['host', '127.0.0.1:$PORT']]],
    ['128 fields', Array.from({ length: 126 }, (_, index): Field => [`x-${index}`, ''])],
  ])('a CONNECT with %s opens a tunnel', async (_, fields) => {
    const filled = fields.map(([name, value]): Field => [name, value.replace('$PORT', String(bed.target.port))]);
    expect(await peer.outcomeOf(peer.connect(bed.authority, filled))).toEqual({ status: 200 });
  });

  test.each<[string, readonly Field[]]>([
    ['129 fields', Array.from({ length: 127 }, (_, index): Field => [`x-${index}`, ''])],
    ['1,000 fields', Array.from({ length: 998 }, (_, index): Field => [`x-${index}`, ''])],
  ])('a CONNECT with %s is refused alone', async (_, fields) => {
    expect(await peer.outcomeOf(peer.connect(bed.authority, fields))).not.toEqual({ status: 200 });
    await expectUnharmed();
  });

  test('a CONNECT with more than 64 KiB of fields is refused alone, whether our limit was acknowledged or not', async () => {
    const values = Array.from({ length: 66 }, (_, index): Field => [`x-${index}`, 'v'.repeat(1000)]);
    const fields = [connect, [':authority', bed.authority], ...values] as const;
    const early = peer.nextStream();
    peer.sendFields(early, fields);
    expect(await peer.outcomeOf(early)).toEqual({ status: 431 });
    await expectUnharmed();
    const late = peer.nextStream();
    peer.sendFields(late, fields);
    expect(await peer.outcomeOf(late)).not.toEqual({ status: 200 });
    await bed.expectTunnel(peer);
  });

  // RFC 9113, section 8.2.1.
  test('a field with bytes that may not be in one makes the request malformed', async () => {
    for (const value of ['a\r\nx: b', 'a\0b', ' a', 'a ', '\ta']) {
      expect(await peer.outcomeOf(peer.connect(bed.authority, [['content-type', value]]))).toEqual({ reset: 0x1 });
    }
    await bed.expectControl();
  });

  test('a CONNECT that ends its half at once reaches the target with that end, and gets its answer', async () => {
    const target = await startTarget(answerAtEnd((question) => `got ${question.length} bytes`));
    const stream = peer.request(
      [connect, [':authority', `127.0.0.1:${target.port}`]],
      flags.endHeaders | flags.endStream,
    );
    expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
    expect(String(await peer.read(stream, 11))).toBe('got 0 bytes');
    expect(await peer.endOf(stream)).toBe('end');
    await bed.expectTunnel(peer);
  });

  test('trailers after the tunnel has begun reset it alone', async () => {
    const target = await startTarget(listenOnly);
    const stream = peer.connect(`127.0.0.1:${target.port}`);
    expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
    const far = await target.accept();
    peer.sendFields(stream, [['x', 'y']]);
    expect(await peer.endOf(stream)).toBe(0x1);
    expect(await far.waitForEnd()).toBe('reset');
    await expectUnharmed();
  });

  test.each(['GET', 'POST', 'PUT', 'OPTIONS', 'TRACE'])('%s is not served', async (name) => {
    const fields: Field[] = [
      [':method', name],
      [':scheme', 'http'],
      [':authority', bed.authority],
      [':path', '/'],
    ];
    expect(await peer.outcomeOf(peer.request(fields))).toEqual({ status: 405 });
    await expectUnharmed();
  });
});
