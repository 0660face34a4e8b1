import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed, Door } from '../support/bed.ts';

/** Sends the head of a request, and a body where there is one. */
export async function ask(bed: Bed, first: string, fields = '', body = '', door: Door = 'front'): Promise<RawPeer> {
  const client = await bed.connect(door);
  client.send(`${first} HTTP/1.1\r\nhost: host.com\r\n${fields}\r\n${body}`);
  return client;
}

/** Lets the origin answer a request; both are told. */
export async function answer(bed: Bed, client: RawPeer, text: string): Promise<RawPeer> {
  const origin = await bed.origin.accept();
  await bed.story.tellMessage('origin', origin);
  origin.send(text);
  await bed.story.tellMessage('client', client);
  return origin;
}

/** An answer after which the next request makes a connection of its own. */
export const found = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\nx-made-by: origin\r\n\r\nhello';

/** The fields of a request for a WebSocket. */
export const webSocket = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Opens a WebSocket and sends a word each way. */
export async function openWebSocket(bed: Bed): Promise<{ client: RawPeer; origin: RawPeer }> {
  const client = await ask(bed, 'GET /chat', webSocket);
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
  const origin = await answer(bed, client, switched);
  client.send('ping');
  await bed.story.tellBytes('origin', origin, 4);
  origin.send('pong');
  await bed.story.tellBytes('client', client, 4);
  return { client, origin };
}
