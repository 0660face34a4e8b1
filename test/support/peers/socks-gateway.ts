import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { resetError } from '../../../src/core/link.ts';
import { socketLink } from '../../../src/core/socket-link.ts';
import { readBytes } from '../../../src/socks/bytes.ts';
import type { TestCredentials } from '../../conformance/carrier-bed.ts';
import { passAsIs } from './middlebox.ts';

/** A request that a SOCKS client made. */
export interface SocksRequest {
  readonly version: 4 | 5;
  /** An IP address, or a name. */
  readonly host: string;
  readonly port: number;
  readonly user?: string;
}

/** A SOCKS server that opens its tunnels through a proxy for HTTP. */
export interface SocksGateway {
  readonly port: number;
  readonly requests: readonly SocksRequest[];
}

/**
 * Starts a server of SOCKS 4, 4a and 5 in front of a proxy of 127.0.0.1. It passes ends and resets on, and answers with
 * the number that fits the status of the proxy.
 * @param login the user that a client of SOCKS 5 has to name; none if absent
 */
export async function startSocksGateway(proxyPort: number, login?: TestCredentials): Promise<SocksGateway> {
  const requests: SocksRequest[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => void sockets.add(socket.on('error', () => {}));
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    keep(client);
    void serveClient(client, login)
      .then(async (request) => {
        requests.push(request);
        const proxy = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
        keep(proxy);
        client.once('close', () => client.errored && socketLink(proxy, {}).reset(resetError('the client is gone')));
        await openTunnel(client, proxy, request, login);
      })
      .catch(() => client.end());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

async function serveClient(client: Socket, login: TestCredentials | undefined): Promise<SocksRequest> {
  const [version = 0] = await take(client, 1);
  if (version === 4) return readRequest4(client);
  const [count = 0] = await take(client, 1);
  const offered = await take(client, count);
  const method = login ? 2 : 0;
  const isOffered = offered.includes(method);
  client.write(Buffer.of(5, isOffered ? method : 0xff));
  if (!isOffered) throw new Error('no method');
  const user = login && (await readLogin(client, login));
  const [, command, , type] = await take(client, 4);
  if (command !== 1) throw new Error(`command ${command}`);
  const host = await readHost(client, type);
  return { version: 5, host, port: (await take(client, 2)).readUInt16BE(), ...(user !== undefined && { user }) };
}

async function readLogin(client: Socket, login: TestCredentials): Promise<string> {
  await take(client, 1);
  const [user, password] = [await readText(client), await readText(client)];
  const isRight = user === login.user && password === login.password;
  client.write(Buffer.of(1, isRight ? 0 : 1));
  if (!isRight) throw new Error('wrong password');
  return user;
}

async function readText(client: Socket): Promise<string> {
  const [length = 0] = await take(client, 1);
  return (await take(client, length)).toString();
}

async function readHost(client: Socket, type: number | undefined): Promise<string> {
  if (type === 1) return (await take(client, 4)).join('.');
  if (type === 3) return readText(client);
  const bytes = await take(client, 16);
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':');
}

async function readRequest4(client: Socket): Promise<SocksRequest> {
  const head = await take(client, 7);
  const [port, ip] = [head.readUInt16BE(1), head.subarray(3)];
  const user = await readToNul(client);
  const host = ip.readUInt32BE() < 256 && ip.readUInt32BE() > 0 ? await readToNul(client) : ip.join('.');
  return { version: 4, host, port, ...(user !== '' && { user }) };
}

async function readToNul(client: Socket): Promise<string> {
  let text = '';
  for (;;) {
    const [byte = 0] = await take(client, 1);
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
}

async function openTunnel(client: Socket, proxy: Socket, request: SocksRequest, login?: TestCredentials) {
  const { version, host, port } = request;
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const basic = login && Buffer.from(`${login.user}:${login.password}`).toString('base64');
  const authorization = basic === undefined ? '' : `Proxy-Authorization: Basic ${basic}\r\n`;
  proxy.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) head += (await take(proxy, 1)).toString('latin1');
  const answer = toAnswer(head, version);
  client.write(version === 5 ? Buffer.of(5, answer, 0, 1, 0, 0, 0, 0, 0, 0) : Buffer.of(0, answer, 0, 0, 0, 0, 0, 0));
  if (answer !== 0 && answer !== 0x5a) {
    proxy.destroy();
    client.end();
    return;
  }
  passAsIs(client, proxy);
  passAsIs(proxy, client);
  client.resume();
  proxy.resume();
}

function toAnswer(head: string, version: 4 | 5): number {
  const status = Number(head.split(' ')[1]);
  if (version === 4) return status === 200 ? 0x5a : 0x5b;
  if (status === 200) return 0;
  if (status === 403) return 2;
  return head.includes('connection_refused') ? 5 : 1;
}

/** Takes exactly this number of bytes. @throws {ShortRead} if the socket ends before */
async function take(socket: Socket, bytes: number): Promise<Buffer> {
  return bytes === 0 ? Buffer.alloc(0) : readBytes(socket, bytes, new AbortController().signal);
}
