import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed, Door } from '../support/bed.ts';
import type { AskedStream } from '../support/http2-ends.ts';

/** Asks for a tunnel over HTTP/1.1, without waiting for the answer. */
export async function askH1(bed: Bed, authority = 'host.com:443', more = '', door: Door = 'front'): Promise<RawPeer> {
  const client = await bed.connect(door);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${more}\r\n`);
  return client;
}

/** Asks for a tunnel over HTTP/2. */
export async function askH2(
  bed: Bed,
  authority = 'host.com:443',
  more = {},
  door: Door = 'front',
): Promise<AskedStream> {
  return (await bed.connectHttp2(door)).connect(authority, more);
}

export async function openH1(bed: Bed): Promise<RawPeer> {
  const client = await askH1(bed);
  await bed.story.tellMessage('client', client);
  return client;
}

export async function openH2(bed: Bed): Promise<RawPeer> {
  const client = await askH2(bed);
  bed.story.tell('client', await client.answer());
  return client;
}

/** Sends a word each way and tells what arrives. */
export async function exchange(bed: Bed, client: RawPeer, target = bed.origin): Promise<RawPeer> {
  client.send('ping');
  const origin = await target.accept();
  await bed.story.tellBytes('origin', origin, 4);
  origin.send('pong');
  await bed.story.tellBytes('client', client, 4);
  return origin;
}

/** Tells the status of refusals, one for each target that is asked for. */
export async function tellRefusals(bed: Bed, authorities: readonly string[], door: Door = 'front'): Promise<void> {
  for (const authority of authorities) {
    await bed.story.tellStatus(`h1 ${authority}`, await askH1(bed, authority, '', door));
    const [status] = (await (await askH2(bed, authority, {}, door)).answer()).match(/:status: \d+/) ?? [];
    bed.story.tell(`h2 ${authority}`, status ?? 'none');
  }
}

const closings = (open: (bed: Bed) => Promise<RawPeer>) => ({
  clientFirst: async (bed: Bed) => {
    const client = await open(bed);
    const origin = await exchange(bed, client);
    client.send('last');
    client.fin();
    await bed.story.tellEnd('origin', origin);
    origin.send('answer');
    origin.fin();
    await bed.story.tellEnd('client', client);
  },
  originFirst: async (bed: Bed) => {
    const client = await open(bed);
    const origin = await exchange(bed, client);
    origin.send('last');
    origin.fin();
    await bed.story.tellEnd('client', client);
    client.send('rest');
    client.fin();
    await bed.story.tellEnd('origin', origin);
  },
  clientReset: async (bed: Bed) => {
    const client = await open(bed);
    const origin = await exchange(bed, client);
    client.reset();
    await bed.story.tellEnd('origin', origin);
  },
  originReset: async (bed: Bed) => {
    const client = await open(bed);
    const origin = await exchange(bed, client);
    origin.reset();
    await bed.story.tellEnd('client', client);
  },
  silent: async (bed: Bed) => {
    const client = await open(bed);
    const origin = await exchange(bed, client);
    await bed.story.tellEnd('client', client);
    await bed.story.tellEnd('origin', origin);
  },
});

export const overH1 = closings(openH1);
export const overH2 = closings(openH2);

/** Tells the answer to a request for a tunnel, whatever it came in. */
export async function answered<P extends RawPeer>(bed: Bed, client: P): Promise<P> {
  if ('answer' in client) bed.story.tell('client', await (client as unknown as AskedStream).answer());
  else await bed.story.tellMessage('client', client);
  return client;
}

/** Asks for a page where tunnels are, and tells the status. */
export async function askForPage(bed: Bed): Promise<void> {
  const client = await bed.connect();
  client.send('GET / HTTP/1.1\r\nhost: host.com:443\r\n\r\n');
  await bed.story.tellStatus('client', client);
}
