import type { Readable, Writable } from 'node:stream';
import type { TcpAddress } from './address.ts';
import type { Origin } from './dialer.ts';
import type { Pauses } from './flow.ts';
import type { HeaderField } from './hop.ts';
import type { CarriedStream, Link, Peer, Resumption } from './link.ts';
import type { Credentials, DigestProof } from './secret.ts';

/** The part of an exchange that a tunnel needs: the head of the request, and the ways to accept or refuse it. */
export interface TunnelExchange {
  readonly method: string;
  /** The request target as it was sent: in authority form for CONNECT, otherwise usually a path. */
  readonly target: string;
  /** Host and port from `:authority` or `Host`; a stage may cut the port off. */
  authority: string;
  /**
   * The scheme that the client sent, in lower case: that of a target in absolute form (RFC 9112, section 3.2.2), or
   * `:scheme`. Absent if it sent none.
   */
  readonly sentScheme?: string | undefined;
  readonly version: '1.0' | '1.1' | '2';
  /** The fields in the order of arrival, with names in lower case. */
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  /** Aborted if the peer disconnects before the answer. */
  readonly gone: AbortSignal;
  /** Answers with a short text, plain unless a field says otherwise, and ends the exchange. Resolves once the peer has had the chance to read it. */
  respond(status: number, headers: readonly HeaderField[], body?: string): Promise<void>;
  /** Answers with a 2xx (or 101) and returns the connection or stream as a Link. */
  upgrade(status: number, headers: readonly HeaderField[]): Link;
  /** Answers and returns both bodies as a Link: reading it reads the request's, writing it writes the response's. */
  stream(status: number, headers: readonly HeaderField[]): Link;
}

/** The body of an answer. `destroy(error)` cuts it off, so that the client sees an abort. */
export interface AnswerBody extends Writable {
  /** Sets the fields to send after the body (RFC 9110, section 6.5). Call it before `end()`; it does nothing if the answer cannot have any. */
  setTrailers(fields: readonly HeaderField[]): void;
}

/** The outcome of an exchange. */
export interface RequestEnd {
  /** The status of the answer; absent if there was none. */
  readonly status?: number;
  /** The reason why it is incomplete: the client disconnected, a body was cut short, or we aborted it. */
  readonly error?: Error;
}

/** The callbacks for the events of a request. */
export interface RequestWatch {
  /** `onIdle` is called once, after so many milliseconds without a byte of either body; 0: never. */
  readonly idleMs: number;
  readonly onIdle: () => void;
  /** Called when the answer begins, or the client switches to another protocol. */
  readonly onAnswer: (status: number, headers: readonly HeaderField[]) => void;
}

/** A request that a server received, and its answer, in HTTP/1.1 or HTTP/2. Each body is a stream. */
export interface Exchange extends TunnelExchange {
  /** The scheme that the client used, as far as we know. */
  readonly scheme: 'http' | 'https';
  /** True if the client uses us as a proxy: it sent CONNECT, or a target with a scheme (RFC 9112, section 3.2.2). */
  readonly asksProxy: boolean;
  /** The protocol, in lower case, that an extended CONNECT (RFC 8441) or `Upgrade` (RFC 9110, section 7.8) asks for. */
  readonly upgradeTo: string | undefined;
  /** The length of the body in bytes; `undefined` if the client did not declare it. */
  readonly contentLength: number | undefined;
  /** True if there is no body, not even an empty one that has yet to end. */
  readonly isBodiless: boolean;
  /** The body without its framing. If the client cuts it short, it fails instead of ending. Destroy it if it is not wanted. */
  readonly body: Readable;
  /** Returns the fields that follow the body; complete once the body has ended. */
  trailers(): readonly HeaderField[];
  /**
   * Keeps the connection of HTTP/1.1 for further requests while the program stops, because they belong to a tunnel that
   * is open. Call it before the answer.
   */
  hold(): void;
  /** Sends an interim answer (1xx except 101), unless the client would not understand it. */
  inform(status: number, headers: readonly HeaderField[]): void;
  /**
   * Sends the head of the answer. It omits the fields that belong to the connection, and chooses the framing from
   * `Content-Length` and the client's version of HTTP. `Connection: close` ends the connection afterwards. The exchange
   * is over once both bodies are.
   * @throws {TunlError} http_protocol_error, before anything is sent, if a field is not valid
   */
  answer(status: number, headers: readonly HeaderField[]): AnswerBody;
  /** The bytes of the request's and the answer's body so far, without their framing. */
  readonly sent: number;
  readonly received: number;
  /** Sets the callbacks, in place of any earlier ones. */
  watch(watch: RequestWatch): void;
  /** Aborts the exchange in whatever state it is; the client sees an abort. Idempotent. */
  cut(error: Error): void;
  /**
   * Resolves once both bodies are over, or have failed. If a Link was returned (`upgrade`, `stream`), it resolves at
   * once, and the Link reports the rest. Never rejects.
   */
  readonly done: Promise<RequestEnd>;
}

/** A request for a tunnel. */
export interface TunnelRequest {
  readonly target: TcpAddress;
  readonly credentials?: Credentials;
  /** Present if the client has sent a digest instead of a password. */
  readonly digest?: DigestProof;
  /** The status and the field that ask the client for a password. */
  readonly challenge: { readonly status: number; readonly field: HeaderField };
  /** The fields of the request with names in lower case, without those that hold credentials. */
  readonly headers: readonly HeaderField[];
  /** The `Via` values that proxies on the way must see (RFC 9110, section 7.6.3). */
  readonly via: readonly string[];
  /**
   * Present if the Link is nothing but a transport of a resumable stream, whatever the stage allows: the time, in
   * milliseconds, that the stream waits for another one.
   */
  readonly holdMs?: number;
  /**
   * Sends the 200. Call it only once the upstream is connected: afterwards a failure can only be a reset.
   * @param carried the stream whose transport the Link will be, and whose it is; absent if it is the tunnel itself
   */
  accept(headers: readonly HeaderField[], carried?: CarriedStream & StreamClient): Link;
}

/** Who has opened a resumable stream. */
export interface StreamClient {
  /** The stage that serves it: other stages do not know the stream. */
  readonly stage: string;
  /** The user, if there are users: others do not know the stream. */
  readonly user: string | undefined;
  /** The place that it came from, which may change, and counts where there are no users. */
  readonly source: string;
}

/** A request that carries bytes of a tunnel which an earlier request has opened. */
export interface TransferRequest extends Pick<TunnelRequest, 'credentials' | 'digest' | 'challenge'> {
  /**
   * Serves it; resolves once it is answered.
   * @throws {TunlError} http_request_error, with 404 if this client has no such tunnel
   */
  serve(client: StreamClient): Promise<void>;
}

/** A connection to an upstream, and the way to it. */
export interface ReachedUpstream {
  /** The address of its other end, as an access log names it. */
  readonly address: string;
  /** Its number, as an access log names it. */
  readonly number?: number | undefined;
  /** The hops on the way to it as URLs without secrets, nearest first; absent if they are those of its route. */
  readonly via?: readonly string[] | undefined;
  /** The parts of the way to it that outlive their transports. */
  readonly resumptions: readonly Resumption[];
}

/** The circumstances of a request that is forwarded to an upstream. */
export interface ForwardContext {
  /** Aborted if the client disconnects, before or after the answer begins, or if the request is given up. The reason is a TunlError. */
  readonly signal: AbortSignal;
  /** The client, for every dial that this request causes. */
  readonly origin: Origin;
  /** Called with the upstream that the request goes to; the last call counts. */
  readonly onUpstream: (upstream: ReachedUpstream) => void;
  /** Counts the pauses of the two bodies, if anybody wants to know. */
  readonly pauses?: Pauses;
  /** Relays bytes between a client that switched protocols and the upstream; counts and limits them. Resolves when both have ended; never rejects. */
  readonly join: (client: Link, upstream: Link) => Promise<void>;
}
