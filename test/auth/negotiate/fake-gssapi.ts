import type { NativeValue } from '../../../src/auth/negotiate/native.ts';
import type { FakeFunction, FakeMemory } from './fake-memory.ts';

/** The result of one call for a token to the fake library. */
export interface GssStep {
  readonly token: string;
  readonly major: number;
  readonly minor?: number;
}

/** The arguments of one call. */
export interface GssCall {
  readonly flags: number;
  readonly mechanism: string;
  readonly input: string | undefined;
  readonly binding: string | undefined;
}

/** Texts of statuses. */
const texts: ReadonlyMap<number, string> = new Map([
  [0xd0000, 'Unspecified GSS failure.  Minor code may provide more information'],
  [0x70000, 'No credentials were supplied, or the credentials were unavailable or inaccessible'],
  [1, 'Unknown error'],
  [2, 'Server not found in Kerberos database\0'],
  [3, 'Clock skew too great'],
]);

/** A library that answers with these steps, and counts what it has given out. */
export class FakeGssapi {
  readonly calls: GssCall[] = [];
  readonly names: string[] = [];
  /** The names, contexts and buffers that were given out and not given back yet. */
  readonly held: Set<string> = new Set();
  /** Called when a token is asked for. */
  onCall: () => void = () => {};
  readonly #memory: FakeMemory;
  readonly #steps: GssStep[];
  readonly #gap: 0 | 4;

  /** @param gap bytes between a number of 32 bits and a pointer behind it */
  constructor(memory: FakeMemory, steps: readonly GssStep[], gap: 0 | 4 = 4) {
    this.#memory = memory;
    this.#steps = [...steps];
    this.#gap = gap;
  }

  get functions(): Readonly<Record<string, FakeFunction>> {
    return {
      gss_import_name: (_minor, text, oid, name) => {
        this.names.push(`${this.#readBuffer(bytesOf(text))} ${this.#readOid(bytesOf(oid))}`);
        this.held.add('name');
        bytesOf(name).writeBigUInt64LE(1n);
        return 0;
      },
      gss_init_sec_context: (minor, _credentials, context, name, mechanism, flags, _time, bindings, input, ...rest) => {
        this.onCall();
        if (name !== 1n) throw new Error('no name');
        this.calls.push({
          flags: Number(flags),
          mechanism: this.#readOid(bytesOf(mechanism)),
          input: input === null ? undefined : this.#readBuffer(bytesOf(input)),
          binding: bindings === null ? undefined : this.#readBindings(bytesOf(bindings)),
        });
        const step = this.#steps.shift() ?? { token: '', major: 0xd0000, minor: 1 };
        this.held.add('context');
        bytesOf(context).writeBigUInt64LE(7n);
        bytesOf(minor).writeUInt32LE(step.minor ?? 0);
        this.#writeBuffer(bytesOf(rest[1] ?? null), step.token);
        return step.major;
      },
      gss_display_status: (_minor, status, _kind, _mechanism, _more, text) => {
        const words = texts.get(Number(status));
        if (words === undefined) return 0x50000;
        this.#writeBuffer(bytesOf(text), words);
        return 0;
      },
      gss_release_buffer: (_minor, buffer) => {
        this.held.delete(`buffer ${bytesOf(buffer).readBigUInt64LE(8)}`);
        return 0;
      },
      gss_release_name: () => {
        this.held.delete('name');
        return 0;
      },
      gss_delete_sec_context: (_minor, context) => {
        if (bytesOf(context).readBigUInt64LE() === 7n) this.held.delete('context');
        return 0;
      },
    };
  }

  #readBuffer(buffer: Buffer): string {
    return this.#memory.read(buffer.readBigUInt64LE(8), Number(buffer.readBigUInt64LE())).toString('latin1');
  }

  #writeBuffer(buffer: Buffer, text: string): void {
    if (text === '') return;
    const bytes = Buffer.from(text, 'latin1');
    buffer.writeBigUInt64LE(BigInt(bytes.length));
    buffer.writeBigUInt64LE(this.#memory.address(bytes), 8);
    this.held.add(`buffer ${this.#memory.address(bytes)}`);
  }

  #readOid(oid: Buffer): string {
    return this.#memory.read(oid.readBigUInt64LE(4 + this.#gap), oid.readUInt32LE()).toString('hex');
  }

  /** Two addresses, each a number and a buffer, then the data. */
  #readBindings(bindings: Buffer): string {
    const offset = 2 * (4 + this.#gap + 16);
    if (bindings.length !== offset + 16 || bindings.subarray(0, offset).some((byte) => byte !== 0))
      throw new Error('these are no channel bindings');
    return this.#readBuffer(bindings.subarray(offset));
  }
}

function bytesOf(value: NativeValue): Buffer {
  if (!Buffer.isBuffer(value)) throw new Error(`${value} is no memory`);
  return value;
}
