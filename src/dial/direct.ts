import type { Socket } from 'node:net';
import { formatAddress, formatHostPort, type Ip, type TcpAddress, type UnixAddress } from '../core/address.ts';
import { abortReason, type Limit, startTimer, throwIfAborted, within } from '../core/deadline.ts';
import type { Dial, DialContext } from '../core/dialer.ts';
import { type ErrorCode, errorTable, TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { assertUnixPath } from '../core/unix-path.ts';
import { FlowSocket } from '../sockets/flow-socket.ts';
import { tcpLink, unixLink } from '../sockets/socket-flow.ts';
import { race } from './race.ts';
import type { Resolve } from './resolve.ts';

/** Options of the Dial that opens sockets. */
export interface DirectOptions {
  /** Resolves names, within its own time limit. */
  readonly resolve: Resolve;
  readonly connectMs: number;
  /**
   * Judges each address right before it is connected to, after names are resolved.
   * @throws {TunlError} if connections to it are forbidden
   */
  readonly assertAllowed?: (place: TcpAddress | UnixAddress) => void;
  /** Opens a Link to a stage of this process; absent if there are no such stages. */
  readonly dialInternal?: Dial;
}

/**
 * Makes the Dial at the bottom of every chain, the only one that opens sockets. A TCP address with `resolved` is
 * dialled at exactly those addresses; any other name is resolved once for each dial. Errors tell whether the target or
 * a proxy could not be reached.
 * @throws {TunlError} dns_error, dns_timeout, connection_refused, connection_timeout, destination_ip_unroutable
 */
export function createDirect({ resolve, connectMs, assertAllowed = () => {}, dialInternal }: DirectOptions): Dial {
  const connectLimit = {
    ms: connectMs,
    phase: 'connect',
    option: '--connect-timeout',
    code: 'connection_timeout',
  } as const;

  const dialTcp = async (address: TcpAddress, ctx: DialContext): Promise<Link> => {
    const { host, port } = address;
    const started = performance.now();
    const ips = address.resolved ?? (await resolve(host, ctx.signal, nameIn(ctx, host)));
    report(ctx, 'dns', started, () => ips.map((ip) => ip.address).join(' '));
    const connecting = performance.now();
    const what = nameIn(ctx, formatHostPort(host, port));
    const attempt = async (ip: Ip, signal: AbortSignal, limit?: Limit) => {
      assertAllowed({ kind: 'tcp', host: ip.address, port });
      return connectTcp(ip, port, what, signal, limit);
    };
    const only = ips[0];
    // The usual case: nothing to race, and one timer.
    const link =
      only && ips.length === 1
        ? await attempt(only, ctx.signal, connectLimit)
        : await within(connectLimit, ctx.signal, describeSilence(what), (signal) => race(ips, attempt, signal));
    report(ctx, 'connect', connecting, () => (link.peer.address ? formatAddress(link.peer.address) : ''));
    return link;
  };

  return async (address, ctx) => {
    try {
      switch (address.kind) {
        case 'unix':
          assertAllowed(address);
          return await within(
            connectLimit,
            ctx.signal,
            `${nameIn(ctx, formatAddress(address))} did not accept`,
            (signal) => connectUnix(address, nameIn(ctx, formatAddress(address)), signal),
          );
        case 'tcp':
          return await dialTcp(address, ctx);
        default:
          if (address.kind === 'internal' && dialInternal) return await dialInternal(address, ctx);
          throw new TunlError('usage', `${formatAddress(address)} cannot be dialled`);
      }
    } catch (error) {
      throw atFarEnd(error, ctx);
    }
  };
}

/** Names an address in messages; that of a proxy is marked as such. */
export function nameIn({ hop }: DialContext, name: string): string {
  return hop ? `the proxy ${name}` : name;
}

/** Puts an error of one of the phases here on the side that was dialled, unless it is known to be ours. */
export function atFarEnd(error: unknown, { hop }: DialContext): unknown {
  const isOurs = error instanceof TunlError && (error.phase === 'dns' || error.phase === 'connect');
  return isOurs ? error.with({ side: hop ? 'hop' : 'target' }) : error;
}

/** Reports a step that is done. @param describe is called if somebody reads the detail, which is seldom */
export function report(ctx: DialContext, phase: 'dns' | 'connect', started: number, describe: () => string): void {
  ctx.onProgress?.({
    phase,
    get detail() {
      return describe();
    },
    ms: performance.now() - started,
  });
}

function describeSilence(name: string): string {
  return `${name} did not accept a connection`;
}

async function connectTcp(ip: Ip, port: number, name: string, signal: AbortSignal, limit?: Limit): Promise<Link> {
  throwIfAborted(signal);
  const socket = new FlowSocket();
  socket.connect({ host: ip.address, port, family: ip.family, autoSelectFamily: false });
  const place = () => (name.includes(ip.address) ? name : `${name} (${ip.address})`);
  await connected(socket, place, signal, (giveUp) => startTimer(limit, describeSilence(name), giveUp));
  return tcpLink(socket, { address: { kind: 'tcp', host: ip.address, port } });
}

async function connectUnix(address: UnixAddress, name: string, signal: AbortSignal): Promise<Link> {
  const socket = new FlowSocket();
  socket.connect({ path: assertUnixPath(address.path) });
  await connected(socket, () => name, signal);
  return unixLink(socket, { address });
}

/** Waits until the socket is connected. It is destroyed if the signal is aborted before, or if the limit is over. */
function connected(
  socket: Socket,
  describe: () => string,
  signal: AbortSignal,
  startLimit: (giveUp: (error: Error) => void) => NodeJS.Timeout | undefined = () => undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      // Not removeAllListeners: it turns the socket's table of listeners into a slow and large one for good.
      socket.off('error', onError).off('connect', onConnect);
    };
    const onConnect = () => {
      settle();
      resolve();
    };
    const onError = (error: Error) => {
      settle();
      reject(connectError(error, describe()));
    };
    const giveUp = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = () => giveUp(abortReason(signal));
    const timer = startLimit(giveUp);
    socket.on('error', onError).on('connect', onConnect);
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
  EINVAL: ['destination_ip_unroutable', 'the address cannot be connected to'],
  ENOENT: ['connection_refused', 'there is no such socket'],
};

/** Failures that lie with this machine, whatever the address. */
const ownCauses: Record<string, string> = {
  EADDRNOTAVAIL: 'no local port is free',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  ENOBUFS: 'no memory for sockets',
};

function connectError(error: NodeJS.ErrnoException, name: string): TunlError {
  const facts = { phase: 'connect', cause: error } as const;
  const own = ownCauses[error.code ?? ''];
  if (own !== undefined) {
    const { exit } = errorTable.connection_refused;
    return new TunlError('proxy_internal_error', `cannot connect to ${name}: ${own}`, { ...facts, side: 'self', exit });
  }
  const [code, words] = causes[error.code ?? ''] ?? ['connection_refused', error.code ?? 'unknown error'];
  return new TunlError(code, `cannot connect to ${name}: ${words}`, facts);
}
