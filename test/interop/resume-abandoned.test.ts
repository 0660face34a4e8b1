import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { writeField } from '../../src/resume/fields.ts';
import { headBytes, kinds, makeFrame } from '../../src/resume/frames.ts';
import { makeKeyPair } from '../../src/resume/keys.ts';
import { amount } from '../support/amounts.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer, type RawPeer } from '../support/peers/raw-peer.ts';
import { startTarget } from '../support/targets/plain.ts';
import { startTunlServe, type TunlPart } from './support/tunl.ts';
import { countDescriptors, readable, readMemory } from './support/usage.ts';

/** As many as may wait at a time: 1,000 of one address. */
const [sources, perSource] = [amount(1, 10), amount(300, 1000)];
const sessions = sources * perSource;
const rounds = amount(3, 4);
const atOnce = 50;

/** The seconds for which the far end waits for another transport; in the long run, all are to wait at once. */
const hold = amount(3, 240);

/** The bytes that a session keeps because nobody acknowledges them. */
const keptBytes = 4000;

/** The most that the far end may hold after a round beyond what it held after the first one, in MiB. */
const growthMib = 2;

/** Opens a tunnel that can be resumed, reads what its target says, acknowledges nothing, and is gone. */
async function abandon(serve: TunlPart, targetPort: number, from: string): Promise<void> {
  const peer: RawPeer = await connectPeer(serve.port, { from });
  const [name, value] = writeField({ kind: 'open', key: makeKeyPair().publicKey, hold });
  peer.send(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: x\r\n${name}: ${value}\r\n\r\n`);
  expect(await peer.readHead()).toMatch(/^HTTP\/1\.1 200 [^]*\r\ntunl-resume: opened;/i);
  peer.send(makeFrame(kinds.ping, 0));
  await peer.read(2 * headBytes + keptBytes);
  peer.reset();
}

test(
  'abandoned sessions expire, and neither descriptors nor memory are left of them',
  { timeout: 60_000 + rounds * 3 * hold * 1000 },
  async () => {
    const target = await startTarget((socket) => void socket.write(Buffer.alloc(keptBytes)));
    const serve = await startTunlServe(['--resume', '1h', '-v'], readable);
    onTestFinished(() => serve.stop());
    const count = (what: RegExp) => serve.log().match(what)?.length ?? 0;
    const descriptors = countDescriptors(serve.pid);
    const held: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (let source = 1; source <= sources; source++) {
        for (let opened = 0; opened < perSource; opened += atOnce) {
          const some = Array.from({ length: atOnce }, () => abandon(serve, target.port, `127.0.0.${1 + source}`));
          await Promise.all(some);
        }
      }
      if (amount(0, 1) === 1) expect(target.open).toBe(sessions);
      await delay(amount(0, hold * 1000));
      await eventually(() => target.open, 0);
      await eventually(() => countDescriptors(serve.pid), descriptors);
      await eventually(() => count(/no transport came within/g), round * sessions);
      expect(count(/waits for another connection/g)).toBe(round * sessions);
      held.push((await readMemory(serve)).held);
    }
    const [first = 0, ...later] = held;
    expect(later.map((mib) => mib - first).filter((growth) => growth > growthMib)).toEqual([]);
  },
);
