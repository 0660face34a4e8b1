import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { appendOnly, readOnly } from './folders.ts';

/** The size at which a log is rotated, in bytes, and how many earlier ones are kept. */
const usualMaxBytes = 4 * 1024 * 1024;
const keptLogs = 3;

/** The size of the pieces in which logs are read, in bytes. */
const pieceBytes = 64 * 1024;

/** Returns the path of the log of an instance. */
export function findLog(folder: string, name: string): string {
  return join(folder, `${name}.log`);
}

/** Opens a log so that a process that is about to start can inherit it. @throws the error of the file system */
export function openLog(path: string): number {
  return openSync(path, appendOnly, 0o600);
}

/** Writes a log with the time of each line, and rotates it by size. It never throws: a full disk ends no tunnel. */
export class RotatingLog {
  readonly #path: string;
  readonly #maxBytes: number;
  #fd: number | undefined;
  #size = 0;

  constructor(path: string, maxBytes: number = usualMaxBytes) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** Adds whole lines. Those of JSON have a time of their own. */
  write(text: string): void {
    const time = new Date().toISOString();
    const stamped = text.replaceAll(/^(?=[^{\n])/gm, `${time} `);
    try {
      let fd = this.#open();
      if (this.#size > 0 && this.#size + Buffer.byteLength(stamped) > this.#maxBytes) {
        this.#rotate();
        fd = this.#open();
      }
      this.#size += writeSync(fd, stamped);
    } catch {
      this.close();
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #open(): number {
    if (this.#fd === undefined) {
      this.#fd = openLog(this.#path);
      this.#size = fstatSync(this.#fd).size;
    }
    return this.#fd;
  }

  #rotate(): void {
    this.close();
    for (let index = keptLogs; index > 0; index--) {
      const from = nameEarlier(this.#path, index - 1);
      if (existsSync(from)) renameSync(from, nameEarlier(this.#path, index));
    }
  }
}

/** Returns the path of a log, or of an earlier one: 1 is the latest of those. */
function nameEarlier(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

/** Waits for more lines of a log; resolves with false once none can follow. */
export type AwaitMore = () => Promise<boolean>;

/**
 * Yields what a log holds, the earlier ones first. With `awaitMore` it goes on with what is added, also over rotations.
 * A missing log is empty.
 */
export async function* readLog(path: string, awaitMore?: AwaitMore): AsyncGenerator<Buffer> {
  for (let index = keptLogs; index > 0; index--) {
    const earlier = await openQuietly(nameEarlier(path, index));
    if (earlier) yield* readRest(earlier, true);
  }
  let file = await openQuietly(path);
  for (;;) {
    if (file) yield* readRest(file, false);
    const goesOn = (await awaitMore?.()) === true;
    // Lines may have been added, and the log rotated, while nobody looked.
    if (file) yield* readRest(file, false);
    if (!file || (await hasMoved(file, path))) {
      if (file) yield* readRest(file, true);
      file = await openQuietly(path);
      if (goesOn || file) continue;
    }
    if (goesOn) continue;
    await file?.close();
    return;
  }
}

async function* readRest(file: FileHandle, close: boolean): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(pieceBytes) });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    if (close) await file.close();
  }
}

async function hasMoved(file: FileHandle, path: string): Promise<boolean> {
  const [own, there] = [await file.stat(), await stat(path).catch(() => undefined)];
  return own.ino !== there?.ino;
}

function openQuietly(path: string): Promise<FileHandle | undefined> {
  return open(path, readOnly).catch(() => undefined);
}
