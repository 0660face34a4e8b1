import type { TcpAddress } from '../../core/address.ts';
import type { Dial } from '../../core/dialer.ts';
import type { PlainRequest } from '../../http/server/plain-request.ts';
import type { Forwarder } from '../../router/forwarder.ts';
import type { ForwardPlan, RequestUpstream } from './http-request.ts';

/** The parts of a stage that its plain requests need. */
export interface PlainParts {
  /** The name of the stage, which its records have for the upstream. */
  readonly name: string;
  /** The hops on the way as URLs without secrets. */
  readonly via: readonly string[];
  /** Dials a target, and checks every address that it reaches; `form` says that an HTTP proxy may be asked instead. */
  readonly dial: Dial;
  /** True if an HTTP proxy that is the last hop is asked in absolute form; false if there are tunnels through it too. */
  readonly asksProxies: boolean;
  /**
   * Judges the target of each request by its text, also if no connection has to be opened for it.
   * @throws {TunlError} http_request_denied or destination_ip_prohibited
   */
  readonly judge: (target: TcpAddress) => void;
  /** `per-request` if something on the way sees the client of each connection. */
  readonly sessions: 'shared' | 'per-request';
  /** Our name in `Via`. */
  readonly pseudonym: string;
}

/** Forwards the plain requests that come on one Link of a client. */
export interface PlainRequests {
  /** Decides where a request goes. @throws {TunlError} http_request_denied or destination_ip_prohibited */
  plan(request: PlainRequest): ForwardPlan;
  /** Closes the connections that are kept for this client. */
  close(): Promise<void>;
}

/** The most idle connections that are kept for one client. */
const maxKept = 8;

/**
 * Makes the part of a stage that forwards plain requests, for one Link of a client. Each has connections of its own,
 * because a target may take a connection for the client that authenticated on it.
 */
export function openPlainRequests({ name, via, judge, pseudonym, ...parts }: PlainParts): PlainRequests {
  let made: Promise<Forwarder> | undefined;
  const make = async () => {
    const { createForwarder } = await import('../../router/forward.ts');
    // Plain requests begin no HTTP/2 session.
    return createForwarder({ ...parts, version: 'http1', handshakeMs: 0, maxKept });
  };
  const upstream: RequestUpstream = { name, via, forwarder: () => (made ??= make()) };
  return {
    plan({ target, place }) {
      judge(target);
      return { kind: 'requests', upstream, target, timeoutMs: 0, upgrades: 'any', plain: { place, pseudonym } };
    },
    close: async () => (await made)?.close(),
  };
}
