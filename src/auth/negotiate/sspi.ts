import { hintsFor } from './hints.ts';
import { findFunction, type Native, type NativeFunction } from './native.ts';
import { type MadeToken, NativeContext } from './native-context.ts';
import { formatServiceName, TokenError, type TokenContext, type TokenOrder } from './tokens.ts';
import type { Slots } from '../../core/waiting.ts';

/** SECPKG_CRED_OUTBOUND: credentials of a client. */
const outbound = 2;
/** ISC_REQ_MUTUAL_AUTH and ISC_REQ_CONNECTION. */
const wishes = 0x2 | 0x800;
/** SECURITY_NATIVE_DREP. */
const nativeOrder = 0x10;
/** Kinds of SecBuffer: a token, and channel bindings. */
const [tokenKind, bindingsKind] = [2, 14] as const;

/** Room for a token, in bytes: Windows allows tickets of 48,000 and a little more around them. */
const maxTokenBytes = 64 * 1024;
const handleBytes = 16;
const bufferBytes = 16;
const bindingsHeadBytes = 32;

/** Statuses by the names that Microsoft gives them, with words where a user can do something. */
const statuses: ReadonlyMap<number, string> = new Map([
  [0x80090303, 'the service is not known (SEC_E_TARGET_UNKNOWN)'],
  [0x80090308, 'the token is not valid (SEC_E_INVALID_TOKEN)'],
  [0x8009030c, 'the logon was denied (SEC_E_LOGON_DENIED)'],
  [0x8009030e, 'there are no credentials (SEC_E_NO_CREDENTIALS)'],
  [0x8009030f, 'the token was changed on its way (SEC_E_MESSAGE_ALTERED)'],
  [0x80090311, 'no domain controller answers (SEC_E_NO_AUTHENTICATING_AUTHORITY)'],
  [0x80090322, 'the service has another account (SEC_E_WRONG_PRINCIPAL)'],
  [0x80090324, 'clock skew too great (SEC_E_TIME_SKEW)'],
]);

/** The functions of secur32.dll. */
interface Functions {
  readonly acquire: NativeFunction;
  readonly initialize: NativeFunction;
  readonly deleteContext: NativeFunction;
  readonly freeCredentials: NativeFunction;
}

/** SSPI of Windows: tokens of its package Negotiate for the user who is logged on. */
export class Sspi {
  readonly native: Native;
  readonly functions: Functions;
  readonly #slots: Slots;

  /** @throws if the system has no such library */
  constructor(native: Native, slots: Slots) {
    const library = native.load(['secur32.dll']);
    this.native = native;
    this.#slots = slots;
    this.functions = {
      acquire: findFunction(library, 'AcquireCredentialsHandleW', 'ttnpppppp'),
      initialize: findFunction(library, 'InitializeSecurityContextW', 'pptnnnpnpppp'),
      deleteContext: findFunction(library, 'DeleteSecurityContext', 'p'),
      freeCredentials: findFunction(library, 'FreeCredentialsHandle', 'p'),
    };
  }

  open(order: TokenOrder): TokenContext {
    return new SspiContext(this, order, this.#slots);
  }

  /** SecBufferDesc, and the array of SecBuffer to which it points. */
  describe(parts: readonly (readonly [kind: number, bytes: Buffer])[]): { head: Buffer; array: Buffer } {
    const array = Buffer.alloc(bufferBytes * parts.length);
    for (const [index, [kind, bytes]] of parts.entries()) {
      array.writeUInt32LE(bytes.length, index * bufferBytes);
      array.writeUInt32LE(kind, index * bufferBytes + 4);
      this.native.point(array, index * bufferBytes + 8, bytes);
    }
    const head = Buffer.alloc(16);
    head.writeUInt32LE(parts.length, 4);
    this.native.point(head, 8, array);
    return { head, array };
  }
}

/** One exchange. */
class SspiContext extends NativeContext {
  readonly #sspi: Sspi;
  readonly #order: TokenOrder;
  readonly #credentials = Buffer.alloc(handleBytes);
  readonly #context = Buffer.alloc(handleBytes);
  #hasCredentials = false;
  #hasContext = false;

  constructor(sspi: Sspi, order: TokenOrder, slots: Slots) {
    super(order.signal, slots);
    this.#sspi = sspi;
    this.#order = order;
  }

  protected override async makeToken(challenge: Buffer | undefined): Promise<MadeToken> {
    if (!this.#hasCredentials) await this.#acquire();
    const { native, functions } = this.#sspi;
    const { binding, name } = this.#order;
    const room = Buffer.alloc(maxTokenBytes);
    const output = this.#sspi.describe([[tokenKind, room]]);
    const parts = [
      ...(challenge ? [[tokenKind, challenge] as const] : []),
      ...(binding ? [[bindingsKind, writeBindings(binding)] as const] : []),
    ];
    const input = this.#sspi.describe(parts);
    const context = this.#hasContext ? this.#context : null;
    const [attributes, expiry] = [Buffer.alloc(4), Buffer.alloc(8)];
    const given = [this.#credentials, context, formatServiceName(name), wishes, 0, nativeOrder];
    const written = [this.#context, output.head, attributes, expiry];
    const status = await native.call(
      functions.initialize,
      [...given, parts.length > 0 ? input.head : null, 0, ...written],
      [room, output.array, input.array, ...parts.map(([, bytes]) => bytes)],
    );
    this.#assertDone(status);
    this.#hasContext = true;
    return { token: Buffer.from(room.subarray(0, output.array.readUInt32LE())), isLast: status === 0 };
  }

  protected override async release(): Promise<void> {
    const { native, functions } = this.#sspi;
    if (this.#hasContext) await native.call(functions.deleteContext, [this.#context]);
    if (this.#hasCredentials) await native.call(functions.freeCredentials, [this.#credentials]);
  }

  async #acquire(): Promise<void> {
    const { native, functions } = this.#sspi;
    const nothing = [null, null, null, null] as const;
    const parameters = [null, 'Negotiate', outbound, ...nothing, this.#credentials, Buffer.alloc(8)];
    this.#assertDone(await native.call(functions.acquire, parameters));
    this.#hasCredentials = true;
  }

  #assertDone(status: number): void {
    // The highest bit marks failures.
    if (status < 0x80000000) return;
    const words = statuses.get(status) ?? `it failed with status 0x${status.toString(16)}`;
    throw new TokenError(words, hintsFor(words, this.#order.name));
  }
}

/** SEC_CHANNEL_BINDINGS without addresses: eight numbers, then the data. */
function writeBindings(data: Buffer): Buffer {
  const head = Buffer.alloc(bindingsHeadBytes);
  head.writeUInt32LE(data.length, 24);
  head.writeUInt32LE(bindingsHeadBytes, 28);
  return Buffer.concat([head, data]);
}
