import { describe, expect, test } from 'vitest';
import type { Link } from '../../src/core/link.ts';
import { drain, pour } from '../support/bulk.ts';
import { eventually, inTime, waitForStall } from '../support/eventually.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

/** Two Links joined to each other: each reads the bytes that the other writes. */
export interface LinkPair {
  readonly first: Link;
  readonly second: Link;
}

/** The abilities that a kind of Link lacks, if any. */
export interface LinkAbilities {
  readonly halfClose?: 'native' | 'none';
  readonly reset?: 'native' | 'none';
}

/** More bytes than all buffers between two ends can hold, including the kernel's. */
const stallBytes = 48 << 20;

/** Registers the tests that every kind of Link must pass, from both of its ends. */
export function linkContract(name: string, makePair: () => Promise<LinkPair>, abilities: LinkAbilities = {}): void {
  const { halfClose = 'native', reset = 'native' } = abilities;

  describe.each(['first', 'second'] as const)(`${name}, seen from its %s end`, (near) => {
    const makeEnds = async (): Promise<[Link, Link]> => {
      const { first, second } = await makePair();
      return near === 'first' ? [first, second] : [second, first];
    };
    const makePeers = async (): Promise<[RawPeer, RawPeer]> => {
      const [own, far] = await makeEnds();
      return [new RawPeer(own), new RawPeer(far)];
    };

    test('carries a MiB each way at once', async () => {
      const [own, far] = await makePeers();
      const [there, back] = [makePayload(1 << 20), makePayload(1 << 20)];
      own.send(there);
      far.send(back);
      expect(fingerprint(await far.read(there.length))).toBe(fingerprint(there));
      expect(fingerprint(await own.read(back.length))).toBe(fingerprint(back));
    });

    test('answers a thousand questions one by one', async () => {
      const [own, far] = await makePeers();
      for (let round = 0; round < 1000; round++) {
        own.send(`ping ${round}\n`);
        expect(await far.readUntil('\n')).toBe(`ping ${round}\n`);
        far.send(`pong ${round}\n`);
        expect(await own.readUntil('\n')).toBe(`pong ${round}\n`);
      }
    });

    test('keeps what came before anybody read, its end included', async () => {
      const [own, far] = await makeEnds();
      own.stream.write('early');
      own.stream.end();
      await inTime('the last byte on its way', new Promise((resolve) => own.stream.once('finish', resolve)));
      expect((await new RawPeer(far).readToEnd()).toString()).toBe('early');
    });

    if (halfClose !== 'none')
      test('still receives after it ended its own half', async () => {
        const [own, far] = await makePeers();
        own.send('question');
        own.fin();
        expect((await far.readToEnd()).toString()).toBe('question');
        far.send('late answer');
        far.fin();
        expect((await own.readToEnd()).toString()).toBe('late answer');
      });

    test('is closed at both ends once both halves have ended', async () => {
      const [own, far] = await makePeers();
      own.fin();
      far.fin();
      await eventually(() => [own.stream.closed, far.stream.closed], [true, true]);
      expect([own.inbox.farEnd, far.inbox.farEnd]).toEqual(['fin', 'fin']);
    });

    test('ends a half that carried nothing', async () => {
      const [own, far] = await makePeers();
      own.fin();
      expect(await far.readToEnd()).toHaveLength(0);
    });

    if (reset !== 'none') {
      test('shows a reset as an error and never as an end', async () => {
        const [own, far] = await makePeers();
        far.send('before');
        await own.readUntil('before');
        own.reset();
        expect(await far.waitForEnd()).toBe('reset');
      });

      test('shows a reset to a side that has ended its half', async () => {
        const [own, far] = await makePeers();
        far.fin();
        expect(await own.waitForEnd()).toBe('fin');
        own.reset();
        expect(await far.waitForEnd()).toBe('reset');
      });
    }

    test('may be reset in the moment after its half was ended', async () => {
      const [own, far] = await makePeers();
      own.fin();
      own.reset();
      await eventually(() => own.stream.closed, true);
      far.send('x');
      await far.waitForEnd();
      far.reset();
      await eventually(() => far.stream.closed, true);
    });

    test('is gone after a reset, however often it is reset', async () => {
      const [own, far] = await makePeers();
      own.reset();
      own.reset();
      await far.waitForEnd();
      far.reset();
      await eventually(() => [own.stream.closed, far.stream.closed], [true, true]);
      own.reset();
      far.reset();
    });

    test('makes a writer wait for a reader that stands still, and loses nothing', async () => {
      const [own, far] = await makeEnds();
      far.stream.pause();
      const sending = pour(own.stream, stallBytes);
      await waitForStall(() => sending.offered);
      expect(sending.offered).toBeLessThan(stallBytes);
      expect(far.stream.readableLength).toBeLessThanOrEqual(1 << 20);
      const arrived = drain(far.stream);
      expect(await arrived).toBe(await sending.done);
    });
  });
}
