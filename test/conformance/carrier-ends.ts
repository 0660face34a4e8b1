import { expect, test } from 'vitest';
import type { Carrier } from '../../src/core/carrier.ts';
import { drain, pour } from '../support/bulk.ts';
import { eventually } from '../support/eventually.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, echo, startTarget } from '../support/targets/plain.ts';
import { type CarrierBed, type StartBed, tunnelEvents } from './carrier-bed.ts';

/** Registers the tests of how a tunnel ends. */
export function registerEndTests(start: StartBed, { halfClose, reset }: Carrier): void {
  /** The two ends of an open tunnel. */
  const open = async () => {
    const bed = await start();
    const target = await startTarget();
    const client = new RawPeer(await bed.dial(target.address));
    client.send('x');
    const server = await target.accept();
    await server.readUntil('x');
    return { bed, target, client, server };
  };

  if (halfClose !== 'none') {
    test('still brings the answer after the client has ended its half', async () => {
      const bed = await start();
      const target = await startTarget(answerAtEnd((question) => `answer to ${question.toString()}`));
      const client = new RawPeer(await bed.dial(target.address));
      client.send('question');
      client.fin();
      expect((await client.readToEnd()).toString()).toBe('answer to question');
    });

    test('still takes bytes after the target has ended its half', async () => {
      const { client, server } = await open();
      server.send('enough');
      server.fin();
      expect((await client.readToEnd()).toString()).toBe('enough');
      const sending = pour(client.stream, 4 << 20);
      expect(await drain(server.stream)).toBe(await sending.done);
    });

    test('ends at once on both sides without losing what was on the way', async () => {
      const { client, server } = await open();
      client.send('from the client');
      server.send('from the target');
      client.fin();
      server.fin();
      expect((await server.readToEnd()).toString()).toBe('from the client');
      expect((await client.readToEnd()).toString()).toBe('from the target');
    });

    test('may be ended without a byte in either direction', async () => {
      const bed = await start();
      const target = await startTarget();
      const client = new RawPeer(await bed.dial(target.address));
      client.fin();
      const server = await target.accept();
      expect(await server.readToEnd()).toHaveLength(0);
      server.fin();
      expect(await client.readToEnd()).toHaveLength(0);
    });
  }

  if (reset !== 'none') {
    test('shows a reset of the target to the client, and never an end', async () => {
      const { client, server } = await open();
      server.reset();
      expect(await client.waitForEnd()).toBe('reset');
    });

    test('shows a reset of the client to the target, and never an end', async () => {
      const { client, server } = await open();
      client.reset();
      expect(await server.waitForEnd()).toBe('reset');
    });

    test('shows a reset of the target to a client that has ended its half', async () => {
      const { client, server } = await open();
      client.fin();
      await server.readToEnd();
      server.reset();
      expect(await client.waitForEnd()).toBe('reset');
    });

    test('is seen as cut when the server stops at once', async () => {
      const { bed, client, server } = await open();
      bed.server.scope.force('stop');
      expect([await client.waitForEnd(), await server.waitForEnd()]).toEqual(['reset', 'reset']);
    });
  }

  test('goes on while the server drains, and is whole at its end', async () => {
    const { bed, client, server } = await open();
    bed.server.scope.drain('stop');
    const sending = pour(server.stream, 1 << 20);
    expect(await drain(client.stream)).toBe(await sending.done);
    client.fin();
    expect(await bed.server.running.done).toBe(0);
  });

  test('ends by itself: its neighbours notice nothing', async () => {
    const { bed, target, client, server } = await open();
    const neighbour = new RawPeer(await bed.dial((await startTarget(echo)).address));
    client.reset();
    await server.waitForEnd();
    await eventually(() => target.open, 0);
    neighbour.send('still here');
    expect(await neighbour.readUntil('here')).toBe('still here');
  });

  test('leaves exactly one event behind, with the bytes that it carried', async () => {
    const { bed, client, server } = await open();
    client.send('12345');
    await server.read(5);
    server.send('123');
    server.fin();
    await client.readToEnd();
    client.fin();
    await server.readToEnd();
    await eventually(() => tunnelEvents(bed).map(summarise), ['tunnel.opened', 'tunnel.closed 6 3 clean']);
    await expectNothingLeft(bed);
  });
}

function summarise(event: ReturnType<typeof tunnelEvents>[number]): string {
  return event.event === 'tunnel.closed' ? `${event.event} ${event.sent} ${event.received} ${event.end}` : event.event;
}

/** Waits until the server has no open tunnel. */
export async function expectNothingLeft({ server }: CarrierBed): Promise<void> {
  await eventually(() => server.running.tunnels.size, 0);
}
