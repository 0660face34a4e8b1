import { TokenError, type TokenContext } from './tokens.ts';
import { type Slots, unlessAborted } from '../../core/waiting.ts';

/** A token of a library, which may be empty where it has nothing more to say. */
export interface MadeToken {
  readonly token: Buffer;
  /** True once the library has what it wants from the other side. */
  readonly isLast: boolean;
}

/**
 * An exchange whose tokens a native library makes. Its calls cannot be cancelled: they run one after the other, those
 * that give memory back too, and whoever waits for one leaves when the signal is aborted.
 */
export abstract class NativeContext implements TokenContext {
  readonly #signal: AbortSignal;
  readonly #slots: Slots;
  #isComplete = false;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(signal: AbortSignal, slots: Slots) {
    this.#signal = signal;
    this.#slots = slots;
  }

  /** Makes the next token. @throws {TokenError} in the library's words */
  protected abstract makeToken(challenge: Buffer | undefined): Promise<MadeToken>;

  /** Gives back what the library has allocated. */
  protected abstract release(): Promise<void>;

  async step(challenge?: Buffer): Promise<Buffer> {
    const endTurn = await this.#slots.take(this.#signal);
    const made = this.#last.then(() => this.#step(challenge)).finally(endTurn);
    this.#last = made.catch(() => {});
    return unlessAborted(made, this.#signal);
  }

  async finish(proof: Buffer): Promise<'proven'> {
    if (!this.#isComplete) await this.step(proof);
    if (!this.#isComplete) throw new TokenError('the proof is not complete');
    return 'proven';
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#last = this.#last.then(() => this.release()).catch(() => {});
  }

  async #step(challenge: Buffer | undefined): Promise<Buffer> {
    if (this.#isClosed) throw new TokenError('the exchange is over');
    const { token, isLast } = await this.makeToken(challenge);
    this.#isComplete = isLast;
    return token;
  }
}
