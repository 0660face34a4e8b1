import { type AddressInfo, connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { existsSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Address, type FdAddress, formatAddress, type TcpAddress } from '../core/address.ts';
import { TunlError, usageError } from '../core/errors.ts';
import { assertUnixPath, isAbstract } from '../core/unix-path.ts';
import { type Link, type Peer, streamLink } from '../core/link.ts';
import { socketLink } from '../core/socket-link.ts';
import type { Listener, OnLink } from '../core/listener.ts';
import { FlowSocket, isSocketHandle, keepAliveMs } from '../sockets/flow-socket.ts';
import { tcpLink, unixLink } from '../sockets/socket-flow.ts';

/** The most connections that wait to be accepted; the system lowers it to its own limit. */
const backlog = 4096;

/** The most ports that are tried for `localhost` until one is free for both families. */
const maxPortTries = 32;

/** The hosts of a listener that accepts on all addresses of the machine. */
const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Errors of binding to ::1 on a system without IPv6. */
const lacksIpv6: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Listens on a TCP address, a Unix socket or an inherited descriptor. The host `*` means all addresses of the machine;
 * `localhost` means 127.0.0.1 and, if the system has it, ::1 on the same port. A stale socket file is replaced.
 * @throws {TunlError} address_in_use, if it cannot listen; usage, if the address is not one to listen on
 */
export async function listen(address: Address, onLink: OnLink): Promise<Listener> {
  const isLocalhost = address.kind === 'tcp' && address.host === 'localhost';
  if (!isLocalhost) return listenAt(address, onLink);
  // The system chooses a port that is free for IPv4, but another program may have it for IPv6.
  for (let tries = address.port === 0 ? maxPortTries : 1; ; tries--) {
    const listener = await listenOnBoth(address.port, onLink).catch((error: unknown) => {
      if (tries === 1 || causeOf(error) !== 'EADDRINUSE') throw error;
    });
    if (listener) return listener;
  }
}

async function listenOnBoth(port: number, onLink: OnLink): Promise<Listener> {
  const first = await listenAt({ kind: 'tcp', host: '127.0.0.1', port }, onLink);
  try {
    const beside = { kind: 'tcp', host: '::1', port: (first.address as TcpAddress).port } as const;
    const second = await listenAt(beside, onLink);
    const close = async () => void (await Promise.all([first.close(), second.close()]));
    return { address: first.address, beside, close };
  } catch (error) {
    if (lacksIpv6.has(causeOf(error))) return first;
    await first.close();
    const hint = 'localhost is 127.0.0.1 and ::1; write 127.0.0.1 to listen there alone';
    throw error instanceof TunlError ? error.withHints(hint) : error;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof TunlError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
}

async function listenAt(address: Address, onLink: OnLink): Promise<Listener> {
  const options = toListenOptions(address);
  // Half-open, so that the relay decides when each half ends.
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  });
  server.on('connection', (socket) => onLink(acceptedLink(socket)));
  try {
    await bind(server, options);
  } catch (error) {
    if (!(await removeStaleSocket(address, error as NodeJS.ErrnoException)))
      throw listenError(address, error as NodeJS.ErrnoException);
    await bind(server, options).catch((again: NodeJS.ErrnoException) => {
      throw listenError(address, again);
    });
  }
  const bound = boundAddress(server, address);
  takeConnections(server, (socket) => onLink(acceptedLink(socket, bound)));
  // Errors of accept, such as too many open files, are temporary; the server goes on.
  server.on('error', () => {});
  return {
    address: bound,
    // Not the callback of `server.close`, which waits for all accepted connections.
    close: () =>
      new Promise((resolve) => {
        server.close();
        setImmediate(resolve);
      }),
  };
}

/** Node's handle of a listening socket; it is not documented. */
interface ServerHandle {
  onconnection?: (this: ServerHandle, status: number, client: unknown) => void;
}

/**
 * Takes accepted connections before Node has made sockets of them, so that their bytes are read as those of dialled
 * ones. Where Node has no such handles, its own sockets are used.
 */
function takeConnections(server: Server, onSocket: (socket: FlowSocket) => void): void {
  const handle = (server as { _handle?: ServerHandle | null })._handle;
  const usual = handle?.onconnection;
  if (!handle || typeof usual !== 'function') return;
  handle.onconnection = function (status, client) {
    if (status === 0 && isSocketHandle(client)) onSocket(new FlowSocket(client));
    else usual.call(this, status, client);
  };
}

function bind(server: Server, options: ListenOptions | FdAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function toListenOptions(address: Address): ListenOptions | FdAddress {
  switch (address.kind) {
    case 'tcp':
      return { port: address.port, backlog, ...(address.host !== '*' && { host: address.host }) };
    case 'unix':
      return { path: assertUnixPath(address.path), backlog };
    case 'fd':
      return address;
    case 'internal':
      throw usageError(`${formatAddress(address)} is not a socket`);
  }
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  if (bound === null) return asked;
  if (typeof bound === 'string') return { kind: 'unix', path: bound };
  return { kind: 'tcp', host: bound.address, port: bound.port };
}

function acceptedLink(socket: Socket, bound?: Address): Link {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) {
    const peer = unixPeer(socket);
    return socket instanceof FlowSocket ? unixLink(socket, peer) : streamLink(socket, peer);
  }
  const reached = findReached(socket, bound);
  const peer: Peer = {
    address: { kind: 'tcp', host: unmapped(remoteAddress), port: remotePort },
    ...(reached && { reached }),
  };
  return socket instanceof FlowSocket ? tcpLink(socket, peer) : socketLink(socket, peer);
}

/** Finds our address to which a client connected; the system is asked only if the listener has more than one. */
function findReached(socket: Socket, bound: Address | undefined): Address | undefined {
  if (bound?.kind === 'tcp' && !everyAddress.has(bound.host)) return { ...bound, host: unmapped(bound.host) };
  const { localAddress, localPort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return { kind: 'tcp', host: unmapped(localAddress), port: localPort };
}

function unixPeer(socket: Socket): Peer {
  const local = socket.address() as AddressInfo | string;
  return typeof local === 'string' ? { address: { kind: 'unix', path: local } } : {};
}

/** Writes an IPv4 client of a dual-stack listener as IPv4, so that rules and logs agree. */
function unmapped(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip;
}

/** Removes a socket file that a crash left behind. Only a connection shows whether anybody listens on it. */
async function removeStaleSocket(address: Address, error: NodeJS.ErrnoException): Promise<boolean> {
  if (address.kind !== 'unix' || isAbstract(address.path) || error.code !== 'EADDRINUSE') return false;
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
    EINVAL: 'it is not a listening socket',
    ENOTSOCK: 'it is not a socket',
  };
  // libuv reports EACCES for a missing folder too.
  const noFolder = address.kind === 'unix' && !isAbstract(address.path) && !existsSync(dirname(address.path));
  const reason = noFolder ? 'there is no such folder' : (reasons[error.code ?? ''] ?? error.message);
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
