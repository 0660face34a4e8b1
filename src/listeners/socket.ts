import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { lstat, unlink } from 'node:fs/promises';
import { type Address, formatAddress } from '../core/address.ts';
import { TunlError } from '../core/errors.ts';
import { type Link, type Peer, streamLink } from '../core/link.ts';
import { socketLink } from '../core/socket-link.ts';
import type { Listener, OnLink } from '../core/listener.ts';

const keepAliveMs = 30_000;

/** Connections that wait for us to accept them; the system lowers it to its own limit. */
const backlog = 4096;

/**
 * Listens on a TCP address, a Unix socket or an inherited descriptor. A host of `*` means every
 * address of the machine. A socket file that nobody listens on any more is replaced.
 * @throws {TunlError} address_in_use, when it cannot listen
 */
export async function listen(address: Address, onLink: OnLink): Promise<Listener> {
  // `end` of a client is not ours: with half-open sockets the relay decides what ends when.
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  });
  server.on('connection', (socket) => onLink(acceptedLink(socket)));
  try {
    await bind(server, address);
  } catch (error) {
    if (!(await removeStaleSocket(address, error as NodeJS.ErrnoException)))
      throw listenError(address, error as NodeJS.ErrnoException);
    await bind(server, address).catch((again: NodeJS.ErrnoException) => {
      throw listenError(address, again);
    });
  }
  // Errors of accept (too many open files) pass; the server goes on.
  server.on('error', () => {});
  return {
    address: boundAddress(server, address),
    // Not server.close's callback: that one waits for every accepted connection as well.
    close: () =>
      new Promise((resolve) => {
        server.close();
        setImmediate(resolve);
      }),
  };
}

function bind(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listenOptions(address), () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenOptions(address: Address) {
  switch (address.kind) {
    case 'tcp':
      return { port: address.port, backlog, ...(address.host !== '*' && { host: address.host }) };
    case 'unix':
      return { path: address.path, backlog };
    case 'fd':
      return { fd: address.fd };
    case 'internal':
      throw new TunlError('usage', `${formatAddress(address)} is not a socket`);
  }
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  if (bound === null) return asked;
  if (typeof bound === 'string') return { kind: 'unix', path: bound };
  return { kind: 'tcp', host: bound.address, port: bound.port };
}

function acceptedLink(socket: Socket): Link {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return streamLink(socket, unixPeer(socket));
  return socketLink(socket, {
    address: { kind: 'tcp', host: unmapped(remoteAddress), port: remotePort },
    ...(localAddress !== undefined &&
      localPort !== undefined && { reached: { kind: 'tcp', host: unmapped(localAddress), port: localPort } }),
  });
}

function unixPeer(socket: Socket): Peer {
  const local = socket.address() as AddressInfo | string;
  return typeof local === 'string' ? { address: { kind: 'unix', path: local } } : {};
}

/** An IPv4 client of a dual-stack listener by its own address, so that rules and logs agree. */
function unmapped(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip;
}

/** After a crash the socket file is still there; only a connection tells whether anybody listens. */
async function removeStaleSocket(address: Address, error: NodeJS.ErrnoException): Promise<boolean> {
  if (address.kind !== 'unix' || error.code !== 'EADDRINUSE') return false;
  const isSocket = await lstat(address.path).then(
    (file) => file.isSocket(),
    () => false,
  );
  if (!isSocket || (await isListenedOn(address.path))) return false;
  await unlink(address.path);
  return true;
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}

function listenError(address: Address, error: NodeJS.ErrnoException): TunlError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the address is in use',
    EACCES: 'not permitted',
    EADDRNOTAVAIL: 'the address is not one of this machine',
    ENOENT: 'there is no such folder',
    EBADF: 'it is not an open descriptor',
    EINVAL: 'it is not a listening socket',
    ENOTSOCK: 'it is not a socket',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  const hint =
    error.code === 'EACCES' && address.kind === 'tcp' && address.port < 1024
      ? ['ports below 1024 need root or CAP_NET_BIND_SERVICE']
      : [];
  return new TunlError('address_in_use', `cannot listen on ${formatAddress(address)}: ${reason}`, {
    side: 'self',
    phase: 'listen',
    hints: hint,
    cause: error,
  });
}
