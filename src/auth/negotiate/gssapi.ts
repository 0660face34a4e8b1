import { hintsFor } from './hints.ts';
import { findFunction, makePointer, type Native, type NativeFunction, readPointer } from './native.ts';
import { type MadeToken, NativeContext } from './native-context.ts';
import { TokenError, type TokenContext, type TokenOrder } from './tokens.ts';
import type { Slots } from '../../core/waiting.ts';

/** Libraries with GSSAPI (RFC 2744): MIT's or Heimdal's, or the one that macOS has. */
const libraries: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['/System/Library/Frameworks/GSS.framework/GSS'],
};
const otherLibraries: readonly string[] = ['libgssapi_krb5.so.2', 'libgssapi.so.3'];

/** Identifiers of SPNEGO (1.3.6.1.5.5.2), and of names of the form `HTTP@host` (RFC 2744, section 4.1). */
const spnego = Buffer.from('2b0601050502', 'hex');
const hostbasedService = Buffer.from('2a864886f71201020104', 'hex');

const mutualFlag = 2;
const [gssCode, mechanismCode] = [1, 2] as const;
/** The part of a status in which errors stand (RFC 2744, section 3.9.1). */
const errorBits = 0xffff0000;
const continueNeeded = 1;
/** A major status that says nothing: the minor one has the reason. */
const unspecified = /^unspecified gss failure/i;
/** Texts of minor statuses that say nothing. */
const empty = /^(?:success|unknown (?:error|code).*)?$/i;

/** Sizes and offsets of the structures of RFC 2744, which macOS packs on x64. */
interface Layout {
  readonly oidElements: number;
  readonly bindings: { readonly bytes: number; readonly data: number };
}
const natural: Layout = { oidElements: 8, bindings: { bytes: 64, data: 48 } };
const packed: Layout = { oidElements: 4, bindings: { bytes: 56, data: 40 } };

/** The functions of the library. */
interface Functions {
  readonly importName: NativeFunction;
  readonly init: NativeFunction;
  readonly displayStatus: NativeFunction;
  readonly releaseBuffer: NativeFunction;
  readonly releaseName: NativeFunction;
  readonly deleteContext: NativeFunction;
}

/** The machine that the library runs on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
}

/** GSSAPI of the system: tokens of SPNEGO for the user who is logged on. */
export class Gssapi {
  readonly native: Native;
  readonly functions: Functions;
  readonly #slots: Slots;
  readonly #layout: Layout;

  /** @throws if the system has no such library */
  constructor(native: Native, slots: Slots, { platform, arch }: Machine = process) {
    const library = native.load(libraries[platform] ?? otherLibraries);
    this.native = native;
    this.#slots = slots;
    this.#layout = platform === 'darwin' && arch === 'x64' ? packed : natural;
    this.functions = {
      importName: findFunction(library, 'gss_import_name', 'pppp'),
      init: findFunction(library, 'gss_init_sec_context', 'pppppnnpppppp'),
      displayStatus: findFunction(library, 'gss_display_status', 'pnnppp'),
      releaseBuffer: findFunction(library, 'gss_release_buffer', 'pp'),
      releaseName: findFunction(library, 'gss_release_name', 'pp'),
      deleteContext: findFunction(library, 'gss_delete_sec_context', 'ppp'),
    };
  }

  open(order: TokenOrder): TokenContext {
    return new GssContext(this, order, this.#slots);
  }

  /** gss_OID_desc: a length and a pointer. */
  oid(elements: Buffer): Buffer {
    const { oidElements } = this.#layout;
    const structure = Buffer.alloc(oidElements + 8);
    structure.writeUInt32LE(elements.length);
    this.native.point(structure, oidElements, elements);
    return structure;
  }

  /** gss_buffer_desc: a length and a pointer. */
  buffer(bytes: Buffer | null = null): Buffer {
    const structure = Buffer.alloc(16);
    structure.writeBigUInt64LE(BigInt(bytes?.length ?? 0));
    this.native.point(structure, 8, bytes);
    return structure;
  }

  /** gss_channel_bindings_struct without addresses. */
  bindings(data: Buffer): Buffer {
    const { bytes, data: offset } = this.#layout.bindings;
    const structure = Buffer.alloc(bytes);
    this.buffer(data).copy(structure, offset);
    return structure;
  }

  /** Copies what a function has put into a buffer, and gives its memory back. */
  async take(buffer: Buffer): Promise<Buffer> {
    const bytes = this.native.copy(readPointer(buffer, 8), Number(buffer.readBigUInt64LE()));
    await this.native.call(this.functions.releaseBuffer, [Buffer.alloc(4), buffer]);
    return bytes;
  }

  /** Writes a failure in the library's words. */
  async describe(major: number, minor: number): Promise<string> {
    const first = await this.#words(major, gssCode);
    const second = await this.#words(minor, mechanismCode);
    const said = [unspecified.test(first) ? '' : first, empty.test(second) ? '' : second].filter((text) => text !== '');
    return said.join(': ') || first;
  }

  async #words(status: number, kind: number): Promise<string> {
    const more = Buffer.alloc(4);
    const text = this.buffer();
    const major = await this.native.call(this.functions.displayStatus, [
      Buffer.alloc(4),
      status,
      kind,
      null,
      more,
      text,
    ]);
    if ((major & errorBits) !== 0) return '';
    return (await this.take(text)).toString('utf8').replaceAll(/[\s\0.]+$/g, '');
  }
}

/** One exchange. */
class GssContext extends NativeContext {
  readonly #gss: Gssapi;
  readonly #order: TokenOrder;
  readonly #name = makePointer();
  readonly #context = makePointer();

  constructor(gss: Gssapi, order: TokenOrder, slots: Slots) {
    super(order.signal, slots);
    this.#gss = gss;
    this.#order = order;
  }

  protected override async makeToken(challenge: Buffer | undefined): Promise<MadeToken> {
    if (readPointer(this.#name) === 0n) await this.#importName();
    const { native, functions } = this.#gss;
    const { binding } = this.#order;
    const minor = Buffer.alloc(4);
    const output = this.#gss.buffer();
    const input = challenge ? this.#gss.buffer(challenge) : null;
    const bindings = binding ? this.#gss.bindings(binding) : null;
    const mechanism = this.#gss.oid(spnego);
    const name = readPointer(this.#name);
    const major = await native.call(
      functions.init,
      [minor, null, this.#context, name, mechanism, mutualFlag, 0, bindings, input, null, output, null, null],
      [spnego, binding, challenge].filter((bytes) => bytes !== undefined),
    );
    const token = await this.#gss.take(output);
    await this.#assertDone(major, minor);
    return { token, isLast: (major & continueNeeded) === 0 };
  }

  protected override async release(): Promise<void> {
    const { native, functions } = this.#gss;
    if (readPointer(this.#context) !== 0n)
      await native.call(functions.deleteContext, [Buffer.alloc(4), this.#context, null]);
    if (readPointer(this.#name) !== 0n) await native.call(functions.releaseName, [Buffer.alloc(4), this.#name]);
  }

  async #importName(): Promise<void> {
    const { native, functions } = this.#gss;
    const { service, host } = this.#order.name;
    const text = Buffer.from(`${service}@${host}`);
    const minor = Buffer.alloc(4);
    const parameters = [minor, this.#gss.buffer(text), this.#gss.oid(hostbasedService), this.#name];
    await this.#assertDone(await native.call(functions.importName, parameters, [text, hostbasedService]), minor);
  }

  async #assertDone(major: number, minor: Buffer): Promise<void> {
    if ((major & errorBits) === 0) return;
    const words = await this.#gss.describe(major, minor.readUInt32LE());
    throw new TokenError(words, hintsFor(words, this.#order.name));
  }
}
