import { Readable } from 'node:stream';
import type { CallBody } from '../http/call.ts';

/** Makes the body of a request of bytes that are in memory, and so can be sent again. */
export function toCallBody(parts: readonly Buffer[], bytes: number): CallBody {
  return {
    source: Readable.from(parts),
    bytes,
    trailers: () => [],
    isTaken: false,
    again: () => toCallBody(parts, bytes),
  };
}
