import { endianness } from 'node:os';

/** The part of koffi (version 3) that we use; it calls functions of the system's libraries. */
export interface Koffi {
  config(settings: { readonly async_stack_size: number }): unknown;
  /** Opens a library, or with null what this process has loaded. It throws if there is none. */
  load(path: string | null): NativeLibrary;
  /** The address of the bytes, which stays valid as long as the buffer is referenced. */
  address(bytes: Buffer): bigint;
  /** The memory at an address, without copying it. */
  view(pointer: bigint, length: number): ArrayBuffer;
}

/** An open library of the system. */
export interface NativeLibrary {
  /** Finds a function; types are those of C. */
  func(name: string, result: string, parameters: readonly string[]): NativeFunction;
}

/** A function of a library. */
export interface NativeFunction {
  /** Calls it on this thread. */
  (...parameters: readonly NativeValue[]): unknown;
  /** Calls it on a thread of its own. */
  async(...parameters: [...values: NativeValue[], done: (error: unknown, result: number) => void]): void;
}

/** A value that a native function takes: numbers, pointers, and the address of bytes. */
export type NativeValue = number | bigint | Buffer | string | null;

/** Stack of a call, in bytes: libraries for Kerberos ask name servers and load plugins. */
const stackBytes = 1024 * 1024;

const pointerBytes = 8;

/** The types of parameters by letters: a pointer, a number of 32 bits, and text in UTF-16. */
const types: Readonly<Record<string, string>> = { p: 'void *', n: 'uint32_t', t: 'str16' };

/** Finds a function that returns a status; its parameters are written as letters. */
export function findFunction(library: NativeLibrary, name: string, letters: string): NativeFunction {
  return library.func(
    name,
    'uint32_t',
    Array.from(letters, (letter) => types[letter] ?? letter),
  );
}

/** Calls functions that have structures in memory. They are laid out by hand, for pointers of 64 bits. */
export class Native {
  readonly #koffi: Koffi;
  #calls = 0;

  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    koffi.config({ async_stack_size: stackBytes });
  }

  /** True while a call has not returned. */
  get isCalling(): boolean {
    return this.#calls > 0;
  }

  /** Opens the first library that this system has. @throws the error of the last one */
  load(paths: readonly string[]): NativeLibrary {
    let failure: unknown;
    for (const path of paths) {
      try {
        return this.#koffi.load(path);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /**
   * Calls a function on another thread, because it may wait for the network.
   * @param keep the buffers to which the parameters' memory points: they stay in place until it returns
   */
  call(fn: NativeFunction, parameters: readonly NativeValue[], keep: readonly Buffer[] = []): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#calls++;
      fn.async(...parameters, (error: unknown, result: number) => {
        this.#calls--;
        // The callback holds `keep` for as long as the call lasts.
        if (error)
          reject(error instanceof Error ? error : new Error(`a native call failed, with ${keep.length} buffers`));
        else resolve(result);
      });
    });
  }

  /** Writes the address of `bytes` into a structure; null where there are none. */
  point(structure: Buffer, offset: number, bytes: Buffer | null): void {
    structure.writeBigUInt64LE(bytes ? this.#koffi.address(bytes) : 0n, offset);
  }

  /** Copies memory that a library has filled; a null pointer has none. */
  copy(pointer: bigint, length: number): Buffer {
    if (pointer === 0n || length === 0) return Buffer.alloc(0);
    return Buffer.from(new Uint8Array(this.#koffi.view(pointer, length)));
  }
}

/** Makes room for a pointer, which is null at first. */
export function makePointer(): Buffer {
  return Buffer.alloc(pointerBytes);
}

/** Reads a pointer that a function has written. */
export function readPointer(structure: Buffer, offset = 0): bigint {
  return structure.readBigUInt64LE(offset);
}

/** True on machines whose structures are laid out as we do it. */
export function isKnownMachine(arch: NodeJS.Architecture = process.arch): boolean {
  return endianness() === 'LE' && ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(arch);
}
