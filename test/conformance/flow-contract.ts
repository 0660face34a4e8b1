import { describe, expect, test } from 'vitest';
import { flowOf } from '../../src/core/duplex-flow.ts';
import { resetError } from '../../src/core/link.ts';
import { drain, pour } from '../support/bulk.ts';
import { eventually, waitForStall } from '../support/eventually.ts';
import { FlowUser } from '../support/flow-user.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { turn } from '../support/turns.ts';
import type { LinkPair } from './link-contract.ts';

/** More bytes than all buffers between two ends can hold, including the kernel's. */
const stallBytes = 48 << 20;

/** Registers the tests that the Flow of every kind of Link must pass. The second Link is used as a stream. */
export function flowContract(
  name: string,
  makePair: () => Promise<LinkPair>,
  { reset = 'native' }: { readonly reset?: 'native' | 'none' } = {},
): void {
  describe(`the Flow of ${name}`, () => {
    const start = async (options?: { reading?: boolean }) => {
      const { first, second } = await makePair();
      const flow = flowOf(first);
      return { user: new FlowUser(flow, options), flow, far: new RawPeer(second), link: first };
    };

    test('delivers nothing before it is resumed, and then what came before first', async () => {
      const { first, second } = await makePair();
      first.stream.pause();
      first.stream.unshift(Buffer.from('earliest, '));
      second.stream.write('early, ');
      await turn();
      const user = new FlowUser(flowOf(first), { reading: false });
      user.keeps = true;
      second.stream.write('late');
      await turn();
      expect(user.kept).toEqual([]);
      user.flow.resume();
      await eventually(() => Buffer.concat(user.kept).toString(), 'earliest, early, late');
    });

    test('delivers bulk unchanged, while each chunk is lent', async () => {
      const { user, far } = await start();
      const sending = pour(far.stream, 8 << 20);
      const sent = await sending.done;
      await eventually(() => user.events, ['end']);
      expect(user.print.take()).toBe(sent);
      expect(user.flow.isEnded).toBe(true);
    });

    test('leaves chunks that were kept as they are', async () => {
      const { user, far } = await start();
      user.keeps = true;
      const payload = makePayload(1 << 20);
      for (let at = 0; at < payload.length; at += 100_003) {
        far.stream.write(payload.subarray(at, at + 100_003));
        far.stream.write('few');
        await turn();
      }
      far.fin();
      await eventually(() => user.events, ['end']);
      expect(Buffer.concat(user.kept).length).toBe(user.print.bytes);
      expect(fingerprint(Buffer.concat(user.kept))).toBe(user.print.take());
    });

    test('delivers nothing between pause and resume, even if it is paused inside of onData', async () => {
      const { user, far } = await start();
      user.onChunk = () => user.flow.pause();
      const sending = pour(far.stream, 2 << 20);
      await waitForStall(() => sending.offered);
      const before = user.print.bytes;
      await turn();
      expect(user.print.bytes).toBe(before);
      user.onChunk = () => {};
      user.flow.resume();
      await eventually(() => user.print.bytes, 2 << 20);
      expect(user.print.take()).toBe(await sending.done);
    });

    test('tells a writer to wait for a reader that stands still, and when to go on', async () => {
      const { first, second } = await makePair();
      second.stream.pause();
      const user = new FlowUser(flowOf(first));
      const chunk = makePayload(64 * 1024);
      let written = 0;
      const write = () => {
        while (written < stallBytes) {
          written += chunk.length;
          if (user.flow.write(Buffer.from(chunk)) === 'full') return;
        }
        user.flow.end();
      };
      user.onDrain = () => {
        expect(user.flow.queuedBytes).toBe(0);
        if (!user.flow.isEnding) write();
      };
      write();
      await waitForStall(() => written);
      expect(written).toBeLessThan(stallBytes);
      expect(user.flow.queuedBytes).toBeGreaterThan(0);
      const expected = fingerprint(Buffer.concat(Array.from({ length: stallBytes / chunk.length }, () => chunk)));
      expect(await drain(second.stream)).toBe(expected);
    });

    test('reports that a queue is empty which was there before anybody listened', async () => {
      const { first, second } = await makePair();
      second.stream.pause();
      first.stream.write(Buffer.alloc(stallBytes));
      const user = new FlowUser(flowOf(first));
      expect(user.flow.queuedBytes).toBeGreaterThan(0);
      second.stream.resume();
      await eventually(() => user.events, ['drain']);
      expect(user.flow.queuedBytes).toBe(0);
    });

    test('passes small writes on, and reports the last of them', async () => {
      const { user, flow, far } = await start();
      for (const word of ['one ', 'two ', 'three']) flow.write(Buffer.from(word));
      flow.end();
      expect(flow.isEnding).toBe(true);
      expect((await far.readToEnd()).toString()).toBe('one two three');
      await eventually(() => user.events.filter((event) => event === 'finish'), ['finish']);
      expect([flow.isFinished, flow.queuedBytes, flow.failure]).toEqual([true, 0, undefined]);
    });

    test('ends cleanly in both directions without a reset', async () => {
      const { user, flow, far, link } = await start();
      flow.end();
      await far.readToEnd();
      far.fin();
      await eventually(() => [flow.isEnded, link.stream.closed], [true, true]);
      expect(user.events.filter((event) => event !== 'drain').toSorted()).toEqual(['end', 'finish']);
      expect(flow.failure).toBeUndefined();
    });

    test('knows an end that came before anybody listened', async () => {
      const { first, second } = await makePair();
      second.stream.end();
      first.stream.resume();
      await eventually(() => first.stream.readableEnded, true);
      expect(flowOf(first).isEnded).toBe(true);
    });

    test('can be closed without an error of ours', async () => {
      const { flow, far, link } = await start();
      flow.close();
      flow.close();
      await eventually(() => link.stream.closed, true);
      expect(link.stream.errored).toBeNull();
      await far.waitForEnd();
    });

    if (reset === 'none') return;

    test('reports a reset once, with its reason, and shows one', async () => {
      const { user, flow, far } = await start();
      far.reset();
      await eventually(() => user.events, ['reset']);
      expect(user.error).toMatchObject({ code: 'ECONNRESET' });
      expect(flow.failure).toBe(user.error);
      const other = await start();
      other.flow.reset(resetError('done with it'));
      other.flow.reset(resetError('done with it'));
      expect(await other.far.waitForEnd()).toBe('reset');
    });

    test('reports a reset behind data after the data, and not as an end', async () => {
      const { user, far } = await start({ reading: false });
      user.keeps = true;
      far.stream.write('the last words');
      await new Promise<void>((resolve) => void far.stream.write('.', () => resolve()));
      await turn();
      far.reset();
      user.flow.resume();
      await eventually(() => user.events, ['reset']);
      expect(['', 'the last words.']).toContain(Buffer.concat(user.kept).toString());
    });

    test('knows a failure that came before anybody listened', async () => {
      const { first, second } = await makePair();
      second.reset(resetError('gone'));
      await eventually(() => first.stream.destroyed, true);
      expect(flowOf(first).failure).toMatchObject({ code: 'ECONNRESET' });
    });
  });
}
