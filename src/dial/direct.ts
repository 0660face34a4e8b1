import { connect, type Socket } from 'node:net';
import { type Address, formatAddress, formatHostPort, type Ip } from '../core/address.ts';
import { abortReason, within } from '../core/deadline.ts';
import type { Dial, DialContext } from '../core/dialer.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import { type Link, socketLink, streamLink } from '../core/link.ts';
import { race } from './race.ts';
import type { Resolve } from './resolve.ts';

/** First keep-alive probe after this much silence; below what firewalls forget connections at. */
const keepAliveMs = 30_000;

export interface DirectOptions {
  readonly resolve: Resolve;
  readonly dnsMs: number;
  readonly connectMs: number;
}

/**
 * The Dial at the bottom of every chain, and the only one that opens sockets. A TCP address that
 * carries `resolved` is dialled at exactly those addresses; a name is resolved once.
 * @throws {TunlError} dns_error, dns_timeout, connection_refused, connection_timeout, destination_ip_unroutable
 */
export function createDirect({ resolve, dnsMs, connectMs }: DirectOptions): Dial {
  const connectLimit = {
    ms: connectMs,
    phase: 'connect',
    option: '--connect-timeout',
    code: 'connection_timeout',
  } as const;
  const dnsLimit = { ms: dnsMs, phase: 'dns', option: '--dns-timeout', code: 'dns_timeout' } as const;

  return async (address, ctx) => {
    switch (address.kind) {
      case 'unix':
        return within(connectLimit, ctx.signal, `${formatAddress(address)} did not accept`, (signal) =>
          connectUnix(address.path, signal),
        );
      case 'tcp': {
        const { host, port } = address;
        const started = performance.now();
        const ips =
          address.resolved ??
          (await within(dnsLimit, ctx.signal, `${host} was not resolved`, (signal) => resolve(host, signal)));
        report(ctx, 'dns', started, ips.map((ip) => ip.address).join(' '));
        const connecting = performance.now();
        const link = await within(
          connectLimit,
          ctx.signal,
          `${formatHostPort(host, port)} did not accept a connection`,
          (signal) => race(ips, (ip, attempt) => connectTcp(ip, host, port, attempt), signal),
        );
        report(ctx, 'connect', connecting, link.peer.address ? formatAddress(link.peer.address) : '');
        return link;
      }
      default:
        throw new TunlError('usage', `${formatAddress(address)} cannot be dialled`);
    }
  };
}

function report(ctx: DialContext, phase: 'dns' | 'connect', started: number, detail: string): void {
  ctx.onProgress?.({ phase, detail, ms: performance.now() - started });
}

async function connectTcp(ip: Ip, host: string, port: number, signal: AbortSignal): Promise<Link> {
  const socket = connect({
    host: ip.address,
    port,
    family: ip.family,
    // A FIN of the far side ends one half only; the other half goes on.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    autoSelectFamily: false,
  });
  await connected(socket, { kind: 'tcp', host, port }, ip.address, signal);
  return socketLink(socket, { address: { kind: 'tcp', host: ip.address, port } });
}

async function connectUnix(path: string, signal: AbortSignal): Promise<Link> {
  const socket = connect({ path, allowHalfOpen: true });
  await connected(socket, { kind: 'unix', path }, undefined, signal);
  return streamLink(socket, { address: { kind: 'unix', path } });
}

/** Resolves once the socket is connected; otherwise destroys it. */
function connected(socket: Socket, address: Address, ip: string | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(abortReason(signal));
    };
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(connectError(error, address, ip));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const causes: Record<string, readonly [ErrorCode, string]> = {
  ECONNREFUSED: ['connection_refused', 'connection refused'],
  ECONNRESET: ['connection_refused', 'connection reset'],
  ETIMEDOUT: ['connection_timeout', 'the system gave up waiting'],
  EHOSTUNREACH: ['destination_ip_unroutable', 'no route to host'],
  ENETUNREACH: ['destination_ip_unroutable', 'network is unreachable'],
  EHOSTDOWN: ['destination_ip_unroutable', 'host is down'],
  EACCES: ['destination_ip_unroutable', 'not permitted'],
  EPERM: ['destination_ip_unroutable', 'not permitted'],
  EADDRNOTAVAIL: ['proxy_internal_error', 'no local port is free'],
  EINVAL: ['destination_ip_unroutable', 'the address cannot be connected to'],
  ENOENT: ['connection_refused', 'there is no such socket'],
  EMFILE: ['proxy_internal_error', 'too many open files'],
  ENFILE: ['proxy_internal_error', 'too many open files'],
};

function connectError(error: NodeJS.ErrnoException, address: Address, ip: string | undefined): TunlError {
  const [code, words] = causes[error.code ?? ''] ?? ['connection_refused', error.code ?? 'unknown error'];
  const name = formatAddress(address);
  const where = ip === undefined || name.includes(ip) ? name : `${name} (${ip})`;
  return new TunlError(code, `cannot connect to ${where}: ${words}`, { phase: 'connect', cause: error });
}
