import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Duplex } from 'node:stream';
import { linkPair } from '../../src/core/link.ts';
import { relay } from '../../src/relay/relay.ts';
import { poisonReturned } from '../../src/sockets/read-memory.ts';
import type { LinkPair } from '../conformance/link-contract.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { makeStartBed, makeTunnelPair } from '../support/harness/carrier-bed.ts';
import { makeTcpPair, makeUnixPair } from '../support/harness/link-pairs.ts';
import { makeTlsPair } from '../support/harness/tls-pairs.ts';
import { Fingerprint, makePayload } from '../support/payload.ts';
import { makeRandom, type Random } from '../support/random.ts';

let certs: Certs;
beforeAll(async () => void (certs = await makeCerts()));
afterAll(() => certs.remove());

// A chunk that is used after its time has other bytes by then, so that the fingerprints differ.
beforeEach(() => poisonReturned(true));
afterEach(() => poisonReturned(false));

const bytesEachWay = 1 << 20;

/** The kinds of ends that a tunnel can have. The first Link of a pair is the one that the relay gets. */
const kinds: Readonly<Record<string, () => LinkPair | Promise<LinkPair>>> = {
  'a socket': makeTcpPair,
  'a Unix socket': makeUnixPair,
  TLS: async () => makeTlsPair(certs, await makeTcpPair()),
  'an HTTP/2 stream': () => makeTunnelPair(makeStartBed('h2')),
  memory: () => {
    const [first, second] = linkPair();
    return { first, second };
  },
};

const names = Object.keys(kinds);
const tunnels = names.flatMap((client) => names.map((target) => [client, target] as const));

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The bytes that one side says. */
class Speaker {
  readonly #stream: Duplex;
  readonly #roll: Random;
  readonly #print = new Fingerprint();

  constructor(stream: Duplex, roll: Random) {
    this.#stream = stream;
    this.#roll = roll;
  }

  say(chunk: Buffer): boolean {
    this.#print.update(chunk);
    return this.#stream.write(chunk);
  }

  /** Writes pieces of all sizes with pauses in between, ends the half, and returns the fingerprint of everything. */
  async talk(): Promise<string> {
    const roll = this.#roll;
    while (this.#print.bytes < bytesEachWay) {
      const size = [1 + roll(10), 1 + roll(5000), 1 + roll(70_000), 1 + roll(200_000)][roll(4)] ?? 1;
      const hasRoom = this.say(makePayload(Math.min(size, bytesEachWay - this.#print.bytes)));
      if (!hasRoom) await new Promise((resolve) => this.#stream.once('drain', resolve));
      if (roll(4) === 0) await turns(roll(5));
    }
    this.#stream.end();
    return this.#print.take();
  }
}

/** Reads to the end with pauses in between, and returns the fingerprint of everything. */
function hear(stream: Duplex, roll: Random): Promise<string> {
  const print = new Fingerprint();
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      print.update(chunk);
      if (roll(6) > 0) return;
      stream.pause();
      void turns(roll(12)).then(() => stream.resume());
    });
    stream.on('end', () => resolve(print.take()));
    stream.on('error', reject);
  });
}

test.each(tunnels)('from %s to %s every byte arrives once, both ways at once', async (clientKind, targetKind) => {
  const roll = makeRandom(names.indexOf(clientKind) * names.length + names.indexOf(targetKind));
  const [near, far] = [await kinds[clientKind]?.(), await kinds[targetKind]?.()];
  if (!near || !far) throw new Error('there is no such kind');
  const client = new Speaker(near.second.stream, roll);
  const target = new Speaker(far.second.stream, roll);
  const heard = Promise.all([hear(far.second.stream, roll), hear(near.second.stream, roll)]);
  // The bytes that came before the relay go first.
  client.say(Buffer.from('early'));
  target.say(Buffer.from('early too'));
  await turns(roll(3));
  const handle = relay(near.first, far.first, { idleMs: 0, lingerMs: 0 });
  const said = await Promise.all([client.talk(), target.talk()]);
  expect(await heard).toEqual(said);
  expect(await handle.done).toMatchObject({ end: 'clean' });
  expect([handle.sent, handle.received]).toEqual([bytesEachWay, bytesEachWay]);
});
