import { createHash, createCipheriv, type Hash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from './workspace.ts';

/** A file of bytes that do not compress and do not repeat. */
export interface Payload {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  remove(): void;
}

const blockBytes = 1 << 20;

/** Makes a payload; the same size always has the same bytes. */
export function makePayload(bytes: number): Payload {
  const file = join(makeFolder('payload'), 'payload.bin');
  const keystream = createCipheriv('aes-256-ctr', Buffer.alloc(32, 'tunl'), Buffer.alloc(16));
  const hash = createHash('sha256');
  const out = openSync(file, 'w', 0o644);
  for (let left = bytes; left > 0; left -= blockBytes) {
    const block = keystream.update(Buffer.alloc(Math.min(left, blockBytes)));
    hash.update(block);
    writeSync(out, block);
  }
  closeSync(out);
  return { file, bytes, sha256: hash.digest('hex'), remove: () => rmSync(file, { force: true }) };
}

/** A writable that keeps nothing but the SHA-256 of what it gets. */
export function makeDigester(): Hash {
  return createHash('sha256');
}
