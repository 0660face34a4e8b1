import type { Duplex } from 'node:stream';
import { waitLimitMs } from './eventually.ts';

/** The first ending of the far side's half. `closed`: it closed without an end and without a reset. */
export type FarEnd = 'open' | 'fin' | 'reset' | 'closed';

/** Reads a stream step by step. Every wait has a limit, and its failure says what it waited for. */
export class Inbox {
  #chunks: Buffer[] = [];
  #size = 0;
  #farEnd: FarEnd = 'open';
  #wake: () => void = () => {};

  constructor(stream: Duplex) {
    stream
      .on('data', (chunk: Buffer) => this.#keep(chunk))
      .on('end', () => this.#end('fin'))
      .on('error', () => this.#end('reset'))
      .on('close', () => this.#end('closed'));
  }

  get farEnd(): FarEnd {
    return this.#farEnd;
  }

  get size(): number {
    return this.#size;
  }

  /** The data that has arrived and was not taken yet. */
  get pending(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  take(bytes: number): Buffer {
    const all = this.pending;
    this.#chunks = [all.subarray(bytes)];
    this.#size = all.length - bytes;
    return all.subarray(0, bytes);
  }

  describe(): string {
    const text = JSON.stringify(this.pending.subarray(0, 300).toString('latin1'));
    return `${this.#size} bytes came (${text}), far end ${this.#farEnd}`;
  }

  /** Resolves with the first result of `find` that is not undefined; rejects if there can be none any more. */
  until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#wake = () => {};
        act();
      };
      const fail = (why: string) => settle(() => reject(new Error(`waited for ${what}: ${why}; ${this.describe()}`)));
      const timer = setTimeout(() => fail(`${waitLimitMs} ms passed`), waitLimitMs);
      this.#wake = () => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#farEnd !== 'open') fail('it will not come');
      };
      this.#wake();
    });
  }

  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#wake();
  }

  #end(how: FarEnd): void {
    if (this.#farEnd === 'open') this.#farEnd = how;
    this.#wake();
  }
}
