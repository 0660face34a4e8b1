import { Duplex } from 'node:stream';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { linkPair, resetError, streamLink } from '../../../../src/core/link.ts';
import { serveHttp2 } from '../../../../src/http/h2/server.ts';
import { openSession } from '../../../../src/http/h2/sessions/client.ts';
import { clientSetup, type Http2Setup, serverSetup } from '../../../../src/http/h2/setup.ts';
import { makeCerts } from '../../../support/certs/certs.ts';
import { inTime } from '../../../support/eventually.ts';
import { makeTcpPair } from '../../../support/harness/link-pairs.ts';
import { makeTlsPair } from '../../../support/harness/tls-pairs.ts';
import { makePayload } from '../../../support/payload.ts';
import { flags, formatFields, formatFrame, formatNumber, preface } from '../../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../../support/peers/h2-peer.ts';
import { RawPeer } from '../../../support/peers/raw-peer.ts';
import { turn } from '../../../support/turns.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const pingMs = 10_000;
const setup: Http2Setup = { ...serverSetup, pingMs };
const never = new AbortController().signal;

function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

test('a client that answers no PING keeps its session as long as it sends, and loses it after', async () => {
  const { first, second } = await makeTcpPair();
  fakeTimers();
  const serving = serveHttp2(first, setup, never, () => {});
  const peer = new Http2Peer(new RawPeer(second));
  peer.answersPings = false;
  peer.start();
  for (let left = 8; left > 0; left--) {
    await peer.isRead();
    vi.advanceTimersByTime(pingMs);
  }
  await peer.isRead();
  vi.advanceTimersByTime(2 * pingMs);
  vi.useRealTimers();
  await inTime('the end of the session', serving);
  expect(await peer.raw.waitForEnd()).toBe('reset');
});

/** A stream whose other side takes what is written when the test says so. */
class Gate extends Duplex {
  takenBytes = 0;
  #waiting: { readonly bytes: number; readonly done: () => void } | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting = { bytes: chunk.length, done };
  }

  /** Takes this number of bytes, or a few more, and no more than there are. */
  async takeWritten(bytes: number): Promise<void> {
    for (const end = this.takenBytes + bytes; this.takenBytes < end && this.#waiting;) {
      const { bytes: taken, done } = this.#waiting;
      this.#waiting = undefined;
      this.takenBytes += taken;
      done();
      await turn();
    }
  }
}

test('a client that reads slowly behind a full write keeps its session, and loses it once it stops', async () => {
  const gate = new Gate();
  const link = streamLink(gate);
  fakeTimers();
  const serving = serveHttp2(link, setup, never, (exchange) => {
    exchange.upgrade(200, []).stream.write(makePayload(3_000_000));
  });
  gate.push(preface);
  gate.push(
    formatFrame('settings', 0, Buffer.concat([Buffer.of(0, SETTINGS_INITIAL_WINDOW_SIZE), formatNumber(4_000_000)])),
  );
  gate.push(formatFrame('settings', 0, Buffer.of(), flags.ack));
  gate.push(formatFrame('windowUpdate', 0, formatNumber(4_000_000)));
  gate.push(
    formatFrame(
      'headers',
      1,
      formatFields([
        [':method', 'CONNECT'],
        [':authority', 'db:22'],
      ]),
      flags.endHeaders,
    ),
  );
  for (let turns = 0; turns < 5; turns++) await turn();
  for (let left = 8; left > 0; left--) {
    vi.advanceTimersByTime(pingMs);
    await gate.takeWritten(300_000);
    expect(gate.destroyed).toBe(false);
  }
  expect(gate.takenBytes).toBeGreaterThan(8 * 300_000);
  vi.advanceTimersByTime(2 * pingMs);
  vi.useRealTimers();
  await inTime('the end of the session', serving);
  expect(gate.takenBytes).toBeLessThan(3_000_000);
});

test.each([
  ['a reader that starts after 2 s gets the last 240 KiB of a session over TLS', 2000, true],
  ['a reader that never starts is let go', 20_000, false],
] as const)('%s', async (_, afterMs, isThere) => {
  const [clientSide, clientDoor] = linkPair();
  const [serverDoor, serverSide] = linkPair();
  clientDoor.stream.pipe(serverDoor.stream).pipe(clientDoor.stream);
  const { first, second } = await makeTlsPair(certs, { first: clientSide, second: serverSide }, { alpn: ['h2'] });
  const draining = new AbortController();
  const payload = makePayload(240 * 1024);
  const peer = new Http2Peer(new RawPeer(first));
  fakeTimers();
  const serving = serveHttp2(second, setup, draining.signal, (exchange) => {
    exchange.upgrade(200, []).stream.end(payload);
    draining.abort();
  });
  peer.start([[SETTINGS_INITIAL_WINDOW_SIZE, 4_000_000]]);
  peer.widen(0, 4_000_000);
  await peer.isRead();
  serverDoor.stream.unpipe().pause();
  const stream = peer.connect('db:22');
  peer.send('data', stream, '', flags.endStream);
  while (!second.stream.writableEnded) await turn();
  vi.advanceTimersByTime(afterMs);
  expect(second.stream.destroyed).toBe(!isThere);
  vi.useRealTimers();
  if (isThere) {
    serverDoor.stream.pipe(clientDoor.stream);
    expect((await peer.read(stream, payload.length)).equals(payload)).toBe(true);
    expect(await peer.endOf(stream)).toBe('end');
    peer.raw.fin();
  }
  await inTime('the end of the session', serving);
});

test.each([
  ['was reset', false],
  ['has ended', true],
] as const)(
  'a session closes in a second after a reset, and waits for its reader after an end: its last stream %s',
  async (how, isPatient) => {
    const gate = new Gate();
    const opening = openSession(streamLink(gate), { ...clientSetup, pingMs }, never);
    gate.push(
      formatFrame('settings', 0, Buffer.concat([Buffer.of(0, SETTINGS_INITIAL_WINDOW_SIZE), formatNumber(4_000_000)])),
    );
    gate.push(formatFrame('settings', 0, Buffer.of(), flags.ack));
    gate.push(formatFrame('windowUpdate', 0, formatNumber(4_000_000)));
    const session = await opening;
    await gate.takeWritten(1000);
    const { link } = session.open({ method: 'CONNECT', authority: 'db:22' }, [], {});
    gate.push(formatFrame('headers', 1, formatFields([[':status', '200']]), flags.endHeaders));
    link.stream.end(makePayload(10_000));
    for (let turns = 0; turns < 5; turns++) await turn();
    fakeTimers();
    if (how === 'was reset') link.reset(resetError('enough'));
    else gate.push(formatFrame('data', 1, Buffer.of(), flags.endStream));
    for (let turns = 0; turns < 5; turns++) await turn();
    link.stream.resume();
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(session.load).toBe(0);
    const closing = session.close('drain');
    vi.advanceTimersByTime(2000);
    expect(gate.destroyed).toBe(!isPatient);
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
    await inTime('the end of the session', closing);
  },
);
