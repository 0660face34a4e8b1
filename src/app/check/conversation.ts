import { throwIfAborted } from '../../core/deadline.ts';
import { type Link, resetError } from '../../core/link.ts';
import { isOverWithin } from '../../core/waiting.ts';
import { toPrintable } from '../../syntax/text.ts';

/** What came next from the far end, or that nothing did. */
export type Heard = 'bytes' | 'ended' | 'reset' | 'silence';

/** The time, in milliseconds, in which our end reaches a proxy and is dealt with there. */
const arrivalMs = 500;

/** The most bytes that are kept. */
const maxKeptBytes = 1024 * 1024;

/** The most characters of a line that are shown. */
const maxShown = 60;

/** Talks to the far end of a Link step by step, and keeps what it says. */
export class Conversation {
  readonly #link: Link;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  /** The number of bytes that `hear` has reported. */
  #heard = 0;
  #end: 'ended' | 'reset' | undefined;
  #wake: () => void = () => {};

  constructor(link: Link) {
    this.#link = link;
    const { stream } = link;
    const note = (end: 'ended' | 'reset') => {
      this.#end ??= end;
      this.#wake();
    };
    stream.on('data', (chunk: Buffer) => {
      // A chunk may be lent for the time of the call.
      if (this.#bytes < maxKeptBytes) this.#parts.push(Buffer.from(chunk));
      this.#bytes += chunk.length;
      this.#wake();
    });
    stream.once('end', () => note('ended')).once('close', () => note('reset'));
    if (stream.readableEnded) note('ended');
    else if (stream.destroyed) note('reset');
    stream.resume();
  }

  /** Everything that came so far. */
  get received(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** The first line of it, short and printable. */
  get firstLine(): string {
    const [line = ''] = this.received.toString('latin1').split(/[\r\n]/, 1);
    return toPrintable(line).slice(0, maxShown);
  }

  /** The number of bytes that came so far. */
  get size(): number {
    return this.#bytes;
  }

  /** True once the far end has ended or reset the Link. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  send(bytes: string | Buffer): void {
    if (!this.#link.stream.destroyed) this.#link.stream.write(bytes);
  }

  /**
   * Sends bytes and ends our half. Until a while after the end is out nothing is read, so that answers to the last bytes
   * are still on their way when it arrives.
   * @throws the signal's reason
   */
  async end(bytes: Buffer, ms: number, signal: AbortSignal): Promise<void> {
    const { stream } = this.#link;
    let isOut = false;
    stream.pause();
    stream.end(bytes, () => {
      isOut = true;
      this.#wake();
    });
    await this.#until(() => isOut || this.#end !== undefined, ms, signal);
    await this.#until(() => this.#end !== undefined, arrivalMs, signal);
    stream.resume();
  }

  /**
   * Waits for bytes that no call has reported yet, or for the end.
   * @param ms the time after which nothing counts as silence
   * @throws the signal's reason
   */
  async hear(ms: number, signal: AbortSignal): Promise<Heard> {
    await this.#until(() => this.#bytes > this.#heard || this.#end !== undefined, ms, signal);
    const hasCome = this.#bytes > this.#heard;
    this.#heard = this.#bytes;
    return hasCome ? 'bytes' : (this.#end ?? 'silence');
  }

  /** Waits until this many bytes have come in all, or the end, or the time is over. @throws the signal's reason */
  async hearAll(bytes: number, ms: number, signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#bytes >= bytes || this.#end !== undefined, ms, signal);
    this.#heard = this.#bytes;
  }

  /** Waits for the end. @throws the signal's reason */
  async hearEnd(ms: number, signal: AbortSignal): Promise<Exclude<Heard, 'bytes'>> {
    await this.#until(() => this.#end !== undefined, ms, signal);
    return this.#end ?? 'silence';
  }

  close(): void {
    this.#link.reset(resetError('the check is over'));
  }

  async #until(isMet: () => boolean, ms: number, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const until = performance.now() + ms;
    for (let left = ms; !isMet() && left > 0; left = until - performance.now()) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await isOverWithin(left, woken, signal);
    }
  }
}
