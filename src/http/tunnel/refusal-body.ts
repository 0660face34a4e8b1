import type { Readable } from 'node:stream';
import type { Link } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import type { Reply } from '../call.ts';
import { ChunkedDecoder } from '../wire/chunked.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import { fieldValues, type ResponseHead } from '../wire/message.ts';

/** The most bytes of a refusal's body that are read for a diagnosis, and the time in milliseconds for it. */
const maxBodyBytes = 8 * 1024;
const bodyMs = 1000;

/**
 * Reads the beginning of a refusal's body, as far as it arrives within a second. The stream cannot be used afterwards.
 */
export function readRefusalBody(stream: Readable, head: ResponseHead): Promise<string> {
  const declared = Number(fieldValues(head.headers, 'content-length')[0] ?? Infinity);
  const wanted = Math.min(Number.isNaN(declared) ? Infinity : declared, maxBodyBytes);
  const decode = makeDecode(head);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const finish = () => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', finish).off('close', finish);
      stream.pause();
      resolve(Buffer.concat(parts).subarray(0, maxBodyBytes).toString('utf8'));
    };
    const onData = (chunk: Buffer) => {
      const { part, ended } = decode(chunk);
      parts.push(part);
      size += part.length;
      if (ended || size >= wanted) finish();
    };
    const timer = setTimeout(finish, bodyMs);
    if (wanted <= 0 || stream.readableEnded || stream.destroyed) return finish();
    stream.on('data', onData).once('end', finish).once('close', finish);
    stream.resume();
  });
}

/**
 * Makes a function that extracts the payload from a chunk of the stream. Invalid framing is passed through unchanged,
 * because the body is only shown to people.
 */
function makeDecode({ headers }: ResponseHead): (chunk: Buffer) => { part: Buffer; ended: boolean } {
  const asItComes = (chunk: Buffer) => ({ part: chunk, ended: false });
  if (!/\bchunked$/i.test(fieldValues(headers, 'transfer-encoding').at(-1) ?? '')) return asItComes;
  const decoder = new ChunkedDecoder();
  return (chunk) => {
    try {
      const { parts, ended } = decoder.decode(chunk);
      return { part: Buffer.concat(parts), ended };
    } catch {
      return asItComes(chunk);
    }
  };
}

/** The most bytes of a 407's body that are read to keep its connection, within `bodyMs`. */
const maxAskedBytes = 64 * 1024;

/** The body of a 407. */
export interface ChallengeBody {
  /** Its beginning. */
  readonly text: string;
  /** True if it was read to its end, so that its connection takes another request. */
  readonly isWhole: boolean;
}

/**
 * Reads the body of a 407 within its limits. Bytes behind it stay in the stream. Returns undefined if the body ends with
 * the connection, or if nobody can tell where it ends.
 */
export async function readChallengeBody(
  link: Link,
  reply: Reply,
  signal: AbortSignal,
): Promise<ChallengeBody | undefined> {
  const framing = findFraming(reply);
  return framing && readBody(link, framing, signal);
}

/** Finds how the body of a 407 ends; undefined if it ends with the connection, or if nobody can tell. */
function findFraming({ headers, isPersistent }: Reply): Framing | undefined {
  if (!isPersistent) return undefined;
  try {
    const framing = readFraming(headers, 'response');
    return framing.kind === 'close' ? undefined : framing;
  } catch {
    return undefined;
  }
}

function readBody({ stream }: Link, framing: Framing, signal: AbortSignal): Promise<ChallengeBody> {
  const reader = new BodyReader(stream, framing, (fault) => new Error(fault));
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const giveUp = () => finish(false);
    const timer = setTimeout(giveUp, bodyMs);
    const finish = (isWhole: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      const shown = Buffer.concat(parts).subarray(0, maxBodyBytes);
      resolve({ text: shown.toString('utf8'), isWhole });
    };
    if (reader.isOver) return finish(true);
    signal.addEventListener('abort', giveUp);
    reader.resume({
      onPart(part) {
        if (bytes < maxBodyBytes) parts.push(part);
        bytes += part.length;
        if (bytes > maxAskedBytes) giveUp();
        return bytes <= maxAskedBytes;
      },
      onEnd: () => finish(true),
      onError: giveUp,
    });
  });
}
