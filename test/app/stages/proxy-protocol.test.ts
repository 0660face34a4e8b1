import { expect, test } from 'vitest';
import { startTestServe } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { askFor, connectHbone } from '../../support/peers/hbone-peers.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { connectPeer, RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { streamLink } from '../../../src/core/link.ts';

const mesh = await makeMesh();
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A client of a plain server, with its tunnel open. */
async function openPlain(proxyProtocol: 'v1' | 'v2', host = '127.0.0.1') {
  const app = await startTestServe({ proxyProtocol });
  const target = await startTarget();
  const client = await connectPeer(app.port);
  client.send(`CONNECT ${host}:${target.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect(await client.readHead()).toMatch(/^HTTP\/1.1 200 /);
  return { app, target, client, server: await target.accept() };
}

test('version 1 stands before the first byte of the client', async () => {
  const { app, target, client, server } = await openPlain('v1');
  client.send('hello');
  client.fin();
  const [opened] = app.eventsOf('tunnel.opened');
  const port = opened?.client.split(':')[1];
  const expected = `PROXY TCP4 127.0.0.1 127.0.0.1 ${port} ${target.port}\r\nhello`;
  expect((await server.readToEnd()).toString()).toBe(expected);
});

test('a name is told as the address that it led to', async () => {
  const { server, target } = await openPlain('v1', 'localhost');
  expect(await server.readUntil('\r\n')).toMatch(
    new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 \\d+ ${target.port}\r\n$`),
  );
});

test('it is there for a target that speaks only when it has it', async () => {
  const { client, server } = await openPlain('v2');
  expect((await server.read(28)).subarray(0, 12)).toEqual(signature);
  server.send('welcome');
  expect(await client.readUntil('welcome')).toBe('welcome');
});

test('over HBONE the application learns the client, its target and its SPIFFE id, and nothing more', async () => {
  const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls(), proxyProtocol: 'v2' });
  const target = await startTarget();
  const session = await connectHbone(mesh, app.port);
  const { stream } = await askFor(session, `127.0.0.1:${target.port}`);
  const client = new RawPeer(streamLink(stream));
  client.send('hello');
  client.fin();
  const bytes = await (await target.accept()).readToEnd();

  await eventually(() => app.eventsOf('tunnel.opened').length, 1);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(Number(app.eventsOf('tunnel.opened')[0]?.client.split(':')[1]), 0);
  ports.writeUInt16BE(target.port, 2);
  const id = Buffer.from(spiffeId('cart'));
  const addresses = Buffer.concat([Buffer.from([127, 0, 0, 1, 127, 0, 0, 1]), ports]);
  const tlv = Buffer.concat([Buffer.from([0xd0, 0, id.length]), id]);
  const head = Buffer.from([0x21, 0x11, 0, addresses.length + tlv.length]);
  expect(bytes).toEqual(Buffer.concat([signature, head, addresses, tlv, Buffer.from('hello')]));
});
