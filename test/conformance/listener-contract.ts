import { describe, expect, onTestFinished, test } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import { type Link, resetError } from '../../src/core/link.ts';
import type { Listener, OnLink } from '../../src/core/listener.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

/** Starts and reaches one kind of listener. */
export interface ListenerKind {
  /** Starts a listener at an address of its own; it lives as long as the test. */
  listen(onLink: OnLink): Promise<Listener>;
  dial(address: Address): Promise<Link>;
  /** Starts another listener at a known address, to find out whether the address is free. */
  listenAgain(address: Address): Promise<Listener>;
}

/** Registers the tests that every kind of listener must pass. */
export function listenerContract(name: string, { listen, dial, listenAgain }: ListenerKind): void {
  /** A listener and the Links that it has yielded. */
  const open = async () => {
    const yielded: Link[] = [];
    const listener = await listen((link) => {
      yielded.push(link);
      onTestFinished(() => link.reset(resetError('the test is over')));
    });
    const accept = async () => {
      await eventually(() => yielded.length > 0, true);
      return yielded.shift() as Link;
    };
    return { listener, accept, yielded };
  };

  describe(name, () => {
    test('is reached at the address that it says', async () => {
      const { listener, accept } = await open();
      const client = new RawPeer(await dial(listener.address));
      const server = new RawPeer(await accept());
      const [there, back] = [makePayload(100_000), makePayload(100_000)];
      client.send(there);
      server.send(back);
      expect(fingerprint(await server.read(there.length))).toBe(fingerprint(there));
      expect(fingerprint(await client.read(back.length))).toBe(fingerprint(back));
      client.reset();
      server.reset();
      await listener.close();
    });

    test('yields Links that nobody reads from before their owner does', async () => {
      const { listener, accept } = await open();
      const client = await dial(listener.address);
      await new Promise<void>((resolve) => void client.stream.end('early', resolve));
      const link = await accept();
      expect(link.stream.readableFlowing).not.toBe(true);
      const server = new RawPeer(link);
      expect((await server.readToEnd()).toString()).toBe('early');
      server.send('answer');
      server.fin();
      expect((await new RawPeer(client).readToEnd()).toString()).toBe('answer');
      await listener.close();
    });

    test('yields each connection once, with its own bytes', async () => {
      const { listener, accept } = await open();
      const clients = await Promise.all(Array.from({ length: 20 }, () => dial(listener.address)));
      clients.forEach(({ stream }, index) => stream.end(`client ${index}`));
      const heard: string[] = [];
      for (const _ of clients) {
        const server = new RawPeer(await accept());
        heard.push((await server.readToEnd()).toString());
        server.fin();
      }
      expect(heard.toSorted()).toEqual(clients.map((_, index) => `client ${index}`).toSorted());
      clients.forEach((client) => client.reset(resetError('done')));
      await listener.close();
    });

    test('stops accepting when it is closed; what it yielded lives on', async () => {
      const { listener, accept, yielded } = await open();
      const client = new RawPeer(await dial(listener.address));
      const server = new RawPeer(await accept());
      await inTime('the end of the listener', listener.close());
      await expect(dial(listener.address)).rejects.toMatchObject({ code: 'connection_refused' });
      client.send('still here');
      expect(await server.readUntil('here')).toBe('still here');
      expect(yielded).toEqual([]);
      client.reset();
      server.reset();
    });

    test('leaves its address free when it is closed, even with a connection open', async () => {
      const { listener, accept } = await open();
      const client = await dial(listener.address);
      const server = await accept();
      await listener.close();
      const again = await listenAgain(listener.address);
      expect(again.address).toEqual(listener.address);
      await again.close();
      [client, server].forEach((link) => link.reset(resetError('done')));
    });

    test('may be closed twice', async () => {
      const { listener } = await open();
      await Promise.all([listener.close(), listener.close()]);
      await listener.close();
    });

    test('is not there for two: the second is told, and the first goes on', async () => {
      const { listener, accept } = await open();
      await expect(listenAgain(listener.address)).rejects.toMatchObject({
        code: 'address_in_use',
        side: 'self',
        phase: 'listen',
        message: expect.stringContaining('the address is in use'),
      });
      const client = await dial(listener.address);
      const server = await accept();
      [client, server].forEach((link) => link.reset(resetError('done')));
      await listener.close();
    });
  });
}
