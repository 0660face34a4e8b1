import type { Readable } from 'node:stream';
import { ChunkedDecoder } from '../wire/chunked.ts';
import { fieldValues, type ResponseHead } from '../wire/message.ts';

/** How much of a refusal's body is read for a diagnosis, and for how long. */
const maxBodyBytes = 8 * 1024;
const bodyMs = 1000;

/**
 * Reads the beginning of a refusal's body: what has come, or comes within a second. The stream is
 * of no further use.
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

/** The payload of a chunk of the stream. What is not framed as it says is taken as it comes: it is only shown. */
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
