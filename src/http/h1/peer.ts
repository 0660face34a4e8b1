import type { Duplex } from 'node:stream';
import { type ErrorFacts, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Asked } from '../call.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import { HeadError } from '../wire/head.ts';
import type { ResponseHead } from '../wire/message.ts';

/** The profile of whoever an HTTP/1.1 client asks: how its answers are read, and how failures name it. */
export interface Http1Peer extends Asked {
  /** The version that requests are written in. */
  readonly version: '1.1' | '1.0';
  readonly maxHeadBytes: number;
  /** Reads one head of an answer, and leaves what follows it in the stream. Throws HeadError and TunlError. */
  readonly readHead: (stream: Duplex, signal: AbortSignal) => Promise<ReplyHead>;
  /** True for the bytes of a connection that was closed if they may be the start of a head. */
  readonly isHeadStart: (received: Buffer) => boolean;
  /** Describes what answers instead of HTTP/1.1, by its first bytes. The words follow the name of the peer. */
  readonly describeForeign: (received: Buffer) => ForeignPeer;
  /** Hints for a connection that was closed without an answer. */
  readonly silentHints?: () => readonly string[];
}

/** The description of a peer that does not speak HTTP/1.1. */
export interface ForeignPeer {
  readonly words: string;
  readonly hints: readonly string[];
}

/** The head of an answer, with what the connection is good for behind it. */
export interface ReplyHead extends ResponseHead {
  /** Set if the head broke off or was too large: what was read of it says no, and nothing behind it is a body. */
  readonly isCut?: true;
  /** True if the connection takes another request after this answer (RFC 9112, section 9.3). */
  readonly isPersistent?: boolean;
}

/**
 * Reads one head of an answer, as the profile says. What follows it stays in the stream, which is left paused.
 * @throws {TunlError} that names the peer and what it did; the signal's reason
 */
export async function readReplyHead(stream: Duplex, peer: Http1Peer, signal: AbortSignal): Promise<ReplyHead> {
  try {
    return await peer.readHead(stream, signal);
  } catch (error) {
    throw toReplyError(error, peer);
  }
}

/**
 * Reads how the body of an answer is framed.
 * @throws {TunlError} http_protocol_error that names the peer
 */
export function readReplyFraming(headers: readonly HeaderField[], peer: Http1Peer): Framing {
  try {
    return readFraming(headers, 'response');
  } catch (error) {
    throw toReplyError(error, peer);
  }
}

/** Turns whatever ended the reading of an answer into the failure that users read; what is no fault of the peer stays. */
export function toReplyError(error: unknown, peer: Http1Peer): unknown {
  if (error instanceof HeadError) return toHeadFailure(error, peer);
  if (!(error instanceof TunlError) || error.code !== 'http_protocol_error') return error;
  const { name, what, side, phase } = peer;
  const failed = what === undefined ? name : `${name} opened no tunnel for ${what}`;
  return new TunlError(error.code, `${failed}: ${error.message}`, { ...error.facts, side, phase });
}

function toHeadFailure(error: HeadError, peer: Http1Peer): TunlError {
  const { name, what, side, phase, maxHeadBytes } = peer;
  const { fault, received } = error;
  const facts: ErrorFacts = { side, phase, cause: error };
  switch (fault) {
    case 'closed': {
      const how = `${name} ${error.cause ? 'reset' : 'closed'} the connection`;
      const to = what === undefined ? '' : ` to ${what}`;
      if (received.length === 0) {
        const silent = { ...facts, unanswered: true, hints: peer.silentHints?.() ?? [] };
        return new TunlError('http_response_incomplete', `${how} without an answer${to}`, silent);
      }
      if (!peer.isHeadStart(received)) return toForeignFailure(received, peer, facts);
      return new TunlError('http_response_incomplete', `${how} in the middle of its answer${to}`, facts);
    }
    case 'not_http':
      return toForeignFailure(received, peer, facts);
    case 'line_too_long':
    case 'too_large': {
      const answered = what === undefined ? 'answered' : `answered ${what}`;
      const message = `${name} ${answered} with a head above ${maxHeadBytes} bytes`;
      return new TunlError('http_response_header_section_size', message, facts);
    }
  }
}

function toForeignFailure(received: Buffer, { name, describeForeign }: Http1Peer, facts: ErrorFacts): TunlError {
  const { words, hints } = describeForeign(received);
  return new TunlError('http_protocol_error', `${name} ${words}`, { ...facts, hints });
}
