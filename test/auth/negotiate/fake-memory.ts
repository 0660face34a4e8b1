import type { Koffi, NativeFunction, NativeValue } from '../../../src/auth/negotiate/native.ts';

/** A function of a fake library. */
export type FakeFunction = (...parameters: readonly NativeValue[]) => number;

/** Memory with addresses, in which fake libraries and our code see the same bytes. */
export class FakeMemory {
  readonly #places: Buffer[] = [];

  /** The address of a buffer; the same buffer has the same one. */
  address(bytes: Buffer): bigint {
    const known = this.#places.indexOf(bytes);
    return BigInt((known >= 0 ? known : this.#places.push(bytes) - 1) + 1) * 0x10000n;
  }

  /** The bytes at an address. */
  read(pointer: bigint, length: number): Buffer {
    const place = this.#places[Number(pointer / 0x10000n) - 1];
    if (!place || place.length < length) throw new Error(`nothing of ${length} bytes is at ${pointer}`);
    return place.subarray(0, length);
  }

  /** A koffi whose libraries have these functions. */
  koffi(libraries: Readonly<Record<string, Readonly<Record<string, FakeFunction>>>>): Koffi {
    return {
      config: () => undefined,
      address: (bytes) => this.address(bytes),
      view: (pointer, length) => new Uint8Array(this.read(pointer, length)).buffer,
      load: (path) => {
        const functions = path === null ? { _exit: () => 0 } : libraries[path];
        if (!functions) throw new Error(`there is no ${path}\nat all`);
        return { func: (name) => toNative(name, functions[name]) };
      },
    };
  }
}

function toNative(name: string, work: FakeFunction | undefined): NativeFunction {
  if (!work) throw new Error(`there is no function ${name}`);
  return Object.assign((...parameters: readonly NativeValue[]) => work(...parameters), {
    async: (...all: readonly unknown[]) => {
      const done = all.at(-1) as (error: unknown, result: number) => void;
      const parameters = all.slice(0, -1) as NativeValue[];
      setImmediate(() => {
        let result = 0;
        let failure: unknown;
        try {
          result = work(...parameters);
        } catch (error) {
          failure = error;
        }
        done(failure, result);
      });
    },
  });
}
