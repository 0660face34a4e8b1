import type { SocketConnectOpts } from 'node:net';
import type { Ip, UnixAddress } from '../core/address.ts';
import { abortReason, isLimit, lateError, type Limit } from '../core/deadline.ts';
import { type ErrorCode, errorTable, type Side, TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { assertUnixPath } from '../core/unix-path.ts';
import { type ConnectReceiver, FlowSocket } from '../sockets/flow-socket.ts';
import { tcpLink, unixLink } from '../sockets/socket-flow.ts';

/** The circumstances of one attempt to connect. */
export interface ConnectTerms {
  /** The name of the place in messages. */
  readonly what: string;
  /** The side at fault if it cannot be reached. */
  readonly side: Side;
  /** Aborting it ends the attempt, and nothing stays open. */
  readonly signal: AbortSignal;
  readonly limit?: Limit | undefined;
  /** The IP address of this machine to connect from; the system chooses without. */
  readonly source?: string | undefined;
}

/**
 * Connects to an IP address.
 * @throws {TunlError} connection_refused, connection_timeout, destination_ip_unroutable, or the signal's reason
 */
export function connectTcp(ip: Ip, port: number, terms: ConnectTerms): Promise<Link> {
  const { address: host, family } = ip;
  return new Promise((resolve, reject) => {
    const connecting = new Connecting(terms, host, reject, (socket) =>
      resolve(tcpLink(socket, { address: { kind: 'tcp', host, port } })),
    );
    const { source } = terms;
    connecting.start({
      host,
      port,
      family,
      autoSelectFamily: false,
      ...(source !== undefined && { localAddress: source }),
    });
  });
}

/**
 * Connects to a Unix socket.
 * @throws {TunlError} as `connectTcp`
 */
export function connectUnix(address: UnixAddress, terms: ConnectTerms): Promise<Link> {
  return new Promise((resolve, reject) => {
    const connecting = new Connecting(terms, terms.what, reject, (socket) => resolve(unixLink(socket, { address })));
    connecting.start({ path: assertUnixPath(address.path) });
  });
}

/** Begins the message of a limit that ran out. */
export function describeSilence(name: string): string {
  return `${name} did not accept a connection`;
}

/** A socket until it is connected. It settles once: by the socket, the limit or the signal. */
class Connecting implements ConnectReceiver {
  readonly #socket = new FlowSocket();
  readonly #terms: ConnectTerms;
  readonly #place: string;
  readonly #reject: (error: Error) => void;
  readonly #resolve: (socket: FlowSocket) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param place what an error names beside the name, unless that contains it */
  constructor(
    terms: ConnectTerms,
    place: string,
    reject: (error: Error) => void,
    resolve: (socket: FlowSocket) => void,
  ) {
    this.#terms = terms;
    this.#place = place;
    this.#reject = reject;
    this.#resolve = resolve;
  }

  start(options: SocketConnectOpts): void {
    const { signal, limit } = this.#terms;
    if (signal.aborted) return this.handleEvent();
    if (limit && isLimit(limit)) this.#timer = setTimeout(giveUp, limit.ms, this);
    signal.addEventListener('abort', this);
    this.#socket.receiver = this;
    this.#socket.connect(options);
  }

  onConnect(): void {
    this.#leave();
    this.#resolve(this.#socket);
  }

  /** The socket has failed, or was closed. */
  onOver(): void {
    this.#leave();
    const { what } = this.#terms;
    const place = what.includes(this.#place) ? what : `${what} (${this.#place})`;
    this.#reject(connectError(this.#socket.errored ?? new Error('closed'), place, this.#terms));
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.giveUp(abortReason(this.#terms.signal));
  }

  giveUp(error: Error): void {
    this.#leave();
    this.#socket.destroy();
    this.#reject(error);
  }

  onLate(): void {
    const { limit, what, side } = this.#terms;
    if (limit) this.giveUp(lateError(limit, describeSilence(what)).with({ side }));
  }

  onData(): boolean {
    return false;
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#terms.signal.removeEventListener('abort', this);
    this.#socket.receiver = undefined;
  }
}

function giveUp(connecting: Connecting): void {
  connecting.onLate();
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

function connectError(
  error: NodeJS.ErrnoException,
  name: string,
  { side, source }: Pick<ConnectTerms, 'side' | 'source'>,
): TunlError {
  const facts = { phase: 'connect', cause: error, side } as const;
  const isSource = source !== undefined && error.code === 'EADDRNOTAVAIL';
  const own = isSource ? `${source} is no address of this machine, or has no free port` : ownCauses[error.code ?? ''];
  if (own !== undefined) {
    const { exit } = errorTable.connection_refused;
    return new TunlError('proxy_internal_error', `cannot connect to ${name}: ${own}`, { ...facts, side: 'self', exit });
  }
  const [code, words] = causes[error.code ?? ''] ?? ['connection_refused', error.code ?? 'unknown error'];
  return new TunlError(code, `cannot connect to ${name}: ${words}`, facts);
}
