import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed, Door } from '../support/bed.ts';
import type { ServedStream } from '../support/http2-ends.ts';

/** A client and the proxy that its connection is a tunnel of, after the answer. */
interface Tunnel<P extends RawPeer> {
  readonly client: RawPeer;
  readonly proxy: P;
}

/** Connects and answers the request, which is told, with this head. */
export async function openH1(
  bed: Bed,
  door: Door = 'front',
  answer = 'HTTP/1.1 200 OK\r\n\r\n',
): Promise<Tunnel<RawPeer>> {
  const client = await bed.connect(door);
  const proxy = await bed.origin.accept();
  await bed.story.tellMessage('proxy', proxy);
  proxy.send(answer);
  return { client, proxy };
}

/** The same over HTTP/2. */
export async function openH2(bed: Bed, door: Door = 'front', status = 200): Promise<Tunnel<ServedStream>> {
  const client = await bed.connect(door);
  const proxy = await bed.h2origin.accept();
  bed.story.tell('proxy', proxy.head);
  proxy.answer(status);
  return { client, proxy };
}

/** Sends a word each way and tells what arrives. */
export async function exchange(bed: Bed, { client, proxy }: Tunnel<RawPeer>): Promise<void> {
  client.send('ping');
  await bed.story.tellBytes('proxy', proxy, 4);
  proxy.send('pong');
  await bed.story.tellBytes('client', client, 4);
}

export async function endClientFirst(bed: Bed, { client, proxy }: Tunnel<RawPeer>): Promise<void> {
  client.send('last');
  client.fin();
  await bed.story.tellEnd('proxy', proxy);
  proxy.send('answer');
  proxy.fin();
  await bed.story.tellEnd('client', client);
}

async function endProxyFirst(bed: Bed, { client, proxy }: Tunnel<RawPeer>): Promise<void> {
  proxy.send('last');
  proxy.fin();
  await bed.story.tellEnd('client', client);
  client.send('rest');
  client.fin();
  await bed.story.tellEnd('proxy', proxy);
}

/** Tunnels of one protocol that are ended and reset, each by the name of its end. */
const closings = (open: (bed: Bed) => Promise<Tunnel<RawPeer>>) => ({
  clientFirst: async (bed: Bed) => endClientFirst(bed, await open(bed)),
  proxyFirst: async (bed: Bed) => endProxyFirst(bed, await open(bed)),
  clientReset: async (bed: Bed) => {
    const tunnel = await open(bed);
    await exchange(bed, tunnel);
    tunnel.client.reset();
    await bed.story.tellEnd('proxy', tunnel.proxy);
  },
  proxyReset: async (bed: Bed) => {
    const tunnel = await open(bed);
    await exchange(bed, tunnel);
    tunnel.proxy.reset();
    await bed.story.tellEnd('client', tunnel.client);
  },
});

export const overH1 = closings((bed) => openH1(bed));
export const overH2 = closings((bed) => openH2(bed));
