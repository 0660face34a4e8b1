import type { Duplex } from 'node:stream';
import { waitForStall } from './eventually.ts';
import { Fingerprint, makePayload } from './payload.ts';

const blockBytes = 64 * 1024;

/** A transfer of bytes into a stream. */
export interface Pour {
  /** The bytes written so far; the stream has accepted all but the last block. */
  readonly offered: number;
  /** Resolves with the fingerprint of all bytes, once they are written and the half is ended. */
  readonly done: Promise<string>;
}

/** Writes a number of bytes into a stream, no faster than it accepts them, and ends its half. */
export function pour(stream: Duplex, bytes: number): Pour {
  // The same block at a different offset each time: this is cheap, and a lost or doubled piece is still noticed.
  const block = makePayload(blockBytes + 997);
  const print = new Fingerprint();
  const done = new Promise<string>((resolve, reject) => {
    stream.once('error', reject);
    const next = () => {
      const size = Math.min(blockBytes, bytes - print.bytes);
      if (size === 0) return void stream.end(() => resolve(print.take()));
      const offset = (print.bytes / blockBytes) % 997;
      const chunk = block.subarray(offset, offset + size);
      print.update(chunk);
      stream.write(chunk, (error) => {
        if (error) reject(error);
        else next();
      });
    };
    next();
  });
  done.catch(() => {});
  return {
    get offered() {
      return print.bytes;
    },
    done,
  };
}

/** Writes into a stream until it accepts no more, and returns how many bytes of buffers the process keeps then. */
export async function measureKept(stream: Duplex): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let written = 0;
  const chunk = Buffer.alloc(blockBytes);
  const write = () => stream.write(chunk, () => void (written++, stream.destroyed || write()));
  write();
  await waitForStall(() => written);
  return process.memoryUsage().arrayBuffers - before;
}

/** Reads a stream to its clean end and returns the fingerprint of the data. */
export function drain(stream: Duplex): Promise<string> {
  const print = new Fingerprint();
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => print.update(chunk));
    stream.once('end', () => resolve(print.take()));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error(`closed without an end after ${print.bytes} bytes`)));
    stream.resume();
  });
}
