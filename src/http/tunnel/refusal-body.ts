import type { Readable } from 'node:stream';
import { ChunkedDecoder } from '../wire/chunked.ts';
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
