import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { inTime } from '../eventually.ts';
import { type RequestBed, type RequestBedOptions, startRequestBed } from './request-bed.ts';

/** A session between Node's own client and our front. */
export function startSession(options: RequestBedOptions = {}): RequestBed & { readonly session: ClientHttp2Session } {
  const bed = startRequestBed({ reading: false, ...options });
  const { stream } = bed.client;
  const session: ClientHttp2Session = connect('http://a.test', { createConnection: () => stream as unknown as Socket });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return { ...bed, session };
}

/** Reads an answer until its stream ends in any way. */
export function readStream(
  stream: ClientHttp2Stream,
): Promise<{ head: Record<string, unknown>; body: string; trailers: unknown; error?: Error }> {
  return inTime(
    'the answer',
    new Promise((resolve) => {
      let head: Record<string, unknown> = {};
      let trailers: unknown;
      let error: Error | undefined;
      const parts: Buffer[] = [];
      stream.on('response', (fields) => (head = { ...fields }));
      stream.on('trailers', (fields) => (trailers = { ...fields }));
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('error', (cause: Error) => (error = cause));
      stream.on('close', () =>
        resolve({ head, body: Buffer.concat(parts).toString(), trailers, ...(error && { error }) }),
      );
    }),
  );
}
