import { expect, test } from 'vitest';
import type { Carrier } from '../../src/core/carrier.ts';
import { drain, pour } from '../support/bulk.ts';
import { waitForStall } from '../support/eventually.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import type { StartBed } from './carrier-bed.ts';
import { expectNothingLeft } from './carrier-ends.ts';

/** More bytes than all buffers on the way can hold, including the kernel's, for any number of hops. */
const stallBytes = 72 << 20;

/**
 * The most bytes that may be in flight to a stalled reader: kernel buffers and flow-control windows. Where the system
 * lets one receive buffer grow to 32 MiB (tcp_rmem), three connections have held 34 MB.
 */
const onTheWayBytes = 56 << 20;

/** Registers the tests of many tunnels and of slow ones. */
export function registerLoadTests(start: StartBed, { halfClose }: Carrier): void {
  test('may be opened a hundred times at once, each with its own bytes', async () => {
    const bed = await start();
    const target = await startTarget(echo);
    const run = async () => {
      const client = new RawPeer(await bed.dial(target.address));
      const payload = makePayload(10_000);
      client.send(payload);
      if (halfClose !== 'none') client.fin();
      const back = halfClose === 'none' ? client.read(payload.length) : client.readToEnd();
      return fingerprint(await back) === fingerprint(payload);
    };
    const outcomes = await Promise.all(Array.from({ length: 100 }, run));
    expect(outcomes.filter((whole) => whole)).toHaveLength(100);
    expect(target.accepted).toBe(100);
    if (halfClose !== 'none') await expectNothingLeft(bed);
  });

  test('makes the target wait for a client that stands still, and loses nothing', async () => {
    const bed = await start();
    const target = await startTarget();
    const { stream } = await bed.dial(target.address);
    stream.pause();
    const server = await target.accept();
    const sending = pour(server.stream, stallBytes);
    await waitForStall(() => sending.offered);
    expect(sending.offered).toBeLessThan(onTheWayBytes);
    expect(await drain(stream)).toBe(await sending.done);
  });

  test('makes the client wait for a target that stands still, and loses nothing', async () => {
    const bed = await start();
    const target = await startTarget();
    const { stream } = await bed.dial(target.address);
    const sending = pour(stream, stallBytes);
    const server = await target.accept({ reading: false });
    await waitForStall(() => sending.offered);
    expect(sending.offered).toBeLessThan(onTheWayBytes);
    expect(await drain(server.stream)).toBe(await sending.done);
  });
}
