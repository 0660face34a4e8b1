import type { Readable, Writable } from 'node:stream';
import type { TcpAddress } from './address.ts';
import type { Origin } from './dialer.ts';
import type { HeaderField } from './hop.ts';
import type { Link, Peer } from './link.ts';
import type { Credentials } from './secret.ts';

/** The part of an exchange that a tunnel is made of: what carriers read, and how a tunnel is granted or refused. */
export interface TunnelExchange {
  readonly method: string;
  /** The request target as it was sent: authority form for CONNECT, else mostly a path. */
  readonly target: string;
  /** Host and port that the request names beside its target: `:authority` or `Host`. */
  readonly authority: string;
  readonly version: '1.0' | '1.1' | '2';
  /** Fields in the order in which they came, names in lower case. */
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  /** Aborted when the peer goes away before the answer. */
  readonly gone: AbortSignal;
  /** Answers with a short text and ends the exchange; resolves once the peer had its chance to read it. */
  respond(status: number, headers: readonly HeaderField[], body?: string): Promise<void>;
  /** Answers with a 2xx (or 101) and hands the connection or stream over as a Link. */
  upgrade(status: number, headers: readonly HeaderField[]): Link;
  /** Answers and hands both bodies over as a Link: the request's is read, the response's written. */
  stream(status: number, headers: readonly HeaderField[]): Link;
}

/** The body of an answer, written piece by piece; `destroy(error)` cuts it so that the client sees an abort. */
export interface AnswerBody extends Writable {
  /** Fields to send after the body (RFC 9110, section 6.5); called before `end()`, ignored where there is no place for them. */
  setTrailers(fields: readonly HeaderField[]): void;
}

/** How an exchange went. */
export interface RequestEnd {
  /** Status of the answer; absent where there was none. */
  readonly status?: number;
  /** Why it is not complete: the client went away, a body was cut short, or we gave it up. */
  readonly error?: Error;
}

/** Who is told what happens to a request. */
export interface RequestWatch {
  /** Milliseconds without a byte of either body after which `onIdle` is called, once; 0 = never. */
  readonly idleMs: number;
  readonly onIdle: () => void;
  /** The answer begins, or the client switches to another protocol. */
  readonly onAnswer: (status: number, headers: readonly HeaderField[]) => void;
}

/** One request that arrived at a server and its answer: an HTTP/1.1 head or an HTTP/2 stream, whose two bodies are streams of their own. */
export interface Exchange extends TunnelExchange {
  /** What the client used to reach us, as far as we know it. */
  readonly scheme: 'http' | 'https';
  /** The client takes us for a proxy: it sent CONNECT, or its target has a scheme (RFC 9112, section 3.2.2). */
  readonly asksProxy: boolean;
  /** The protocol that an extended CONNECT asks for (RFC 8441), or that `Upgrade` names (RFC 9110, section 7.8), in lower case. */
  readonly upgradeTo: string | undefined;
  /** How many bytes the body has, where the client said so; `undefined` where it ends when it ends. */
  readonly contentLength: number | undefined;
  /** True where there is no body at all, not even an empty one that has yet to end. */
  readonly isBodiless: boolean;
  /** The body without its framing. It fails when the client cuts it short, and never ends then. Destroy it when it is not wanted. */
  readonly body: Readable;
  /** The fields that came after the body; complete once it has ended. */
  trailers(): readonly HeaderField[];
  /** Sends an interim answer (1xx but 101); nothing where the client would not understand it. */
  inform(status: number, headers: readonly HeaderField[]): void;
  /**
   * Sends the head of the answer. Fields that belong to the connection are left out; the framing is chosen from
   * `Content-Length` and what the client understands. `Connection: close` ends the connection afterwards. The exchange is
   * over once both bodies are.
   * @throws {TunlError} http_protocol_error, before anything is sent, when a field cannot be written as it is
   */
  answer(status: number, headers: readonly HeaderField[]): AnswerBody;
  /** Bytes of the request's body so far, and of the answer's, without their framing. */
  readonly sent: number;
  readonly received: number;
  /** Sets who is told; the last one counts. */
  watch(watch: RequestWatch): void;
  /** Ends it in whatever state it is: the client sees an abort. Idempotent. */
  cut(error: Error): void;
  /**
   * Resolves once both bodies are over, or cannot be any more. Where a Link was handed over (`upgrade`, `stream`) that is at
   * once, and the Link tells the rest. Never rejects.
   */
  readonly done: Promise<RequestEnd>;
}

/** A tunnel that somebody asks us for. */
export interface TunnelRequest {
  readonly target: TcpAddress;
  readonly credentials?: Credentials;
  /** The status and the field that ask for credentials. */
  readonly challenge: { readonly status: number; readonly field: HeaderField };
  /** The fields of the request, names in lower case, without those that hold credentials. */
  readonly headers: readonly HeaderField[];
  /** Fields that a proxy on the way must see again, such as Via. */
  readonly via: readonly string[];
  /** Writes the 200. Call it only when the upstream is there: afterwards a failure can only be a reset. */
  accept(headers: readonly HeaderField[]): Link;
}

/** What goes with a request that is passed on to an upstream. */
export interface ForwardContext {
  /** Aborted when the client is gone, before and after the answer began, or when the request is given up: its reason is a TunlError. */
  readonly signal: AbortSignal;
  /** Who asked; it goes with every dial for this request. */
  readonly origin: Origin;
  /** Told of the place that the request goes to, as an access log names it. */
  readonly onUpstream: (address: string) => void;
  /** Moves bytes both ways between a client that switched protocols and the upstream, counts and limits them. Resolves at their end; never rejects. */
  readonly join: (client: Link, upstream: Link) => Promise<void>;
}
