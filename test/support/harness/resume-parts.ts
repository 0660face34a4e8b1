import type { Fate, Flow, FlowEvents } from '../../../src/core/flow.ts';
import { blockBytes, giveBlock, lendFirst, takeBlock } from '../../../src/core/lent.ts';
import { type Link, resetError } from '../../../src/core/link.ts';
import type { ResumableStream } from '../../../src/resume/stream.ts';
import type { Random } from '../random.ts';

/** The contents of both directions: which byte it is follows from its place. */
const period = 251;
const pattern = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index % period));

const fates: readonly Fate[] = ['free', 'kept', 'full', 'wait'];

/** One side of a transport whose bytes arrive when the model says so. */
export class PipeEnd implements Flow {
  other!: PipeEnd;
  readonly inbox: Buffer[] = [];
  /** The other side has ended, once the inbox is empty. */
  endsNext = false;
  owesDrain = false;
  queuedBytes = 0;
  isEnded = false;
  isEnding = false;
  isFinished = false;
  failure: Error | undefined;
  isPaused = true;
  #events: FlowEvents | undefined;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  listen(events: FlowEvents): void {
    this.#events = events;
  }

  write(chunk: Buffer): Fate {
    if (this.failure) return 'free';
    const fate = fates[this.#random(fates.length)] ?? 'free';
    // What is kept is not copied: whoever writes into it is found out.
    this.other.inbox.push(fate === 'free' || fate === 'wait' ? Buffer.from(chunk) : chunk);
    if (fate === 'free' && !this.owesDrain) return 'free';
    this.owesDrain = true;
    this.queuedBytes += chunk.length;
    return fate === 'free' ? 'kept' : fate;
  }

  end(): void {
    this.isEnding = true;
    this.other.endsNext = true;
  }

  reset(error: Error): void {
    this.failure ??= error;
    this.other.break(error);
  }

  close(): void {
    this.reset(resetError('closed'));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Delivers some of what is on its way. */
  deliver(mostBytes: number): void {
    const [first] = this.inbox;
    if (this.isPaused || this.failure) return;
    if (first) {
      const part = first.subarray(0, mostBytes);
      if (part.length === first.length) this.inbox.shift();
      else this.inbox[0] = first.subarray(part.length);
      const lent = Buffer.from(part);
      if (!this.#events?.onData(lent)) lent.fill(0xdb);
    } else if (this.endsNext && !this.isEnded) {
      this.isEnded = true;
      this.other.isFinished = true;
      this.other.#events?.onFinish();
      this.#events?.onEnd();
    }
  }

  drain(): void {
    if (!this.owesDrain || this.failure) return;
    this.owesDrain = false;
    this.queuedBytes = 0;
    this.#events?.onDrain();
  }

  /** The transport breaks, as this side sees it; what has not arrived is lost. */
  break(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.inbox.length = 0;
    setImmediate(() => this.#events?.onReset(error));
  }
}

/** Makes both sides of a transport. */
export function makePipe(random: Random = () => 0): { readonly near: PipeEnd; readonly far: PipeEnd } {
  const [near, far] = [new PipeEnd(random), new PipeEnd(random)];
  near.other = far;
  far.other = near;
  return { near, far };
}

/** The Link of a side. */
export function toLink(flow: PipeEnd): Link {
  const reset = (error: Error) => flow.reset(error);
  return { flow, peer: {}, reset, stream: undefined as never };
}

/** A program at one end of the stream. */
export class App implements FlowEvents {
  readonly stream: ResumableStream;
  readonly name: string;
  readonly faults: string[];
  other: App | undefined;
  written = 0;
  read = 0;
  isFull = false;
  hasEnded = false;
  hasReset = false;
  seesEnd = false;
  seesFinish = false;
  seesReset = false;

  constructor(stream: ResumableStream, name: string, faults: string[]) {
    this.stream = stream;
    this.name = name;
    this.faults = faults;
    stream.listen(this);
    stream.resume();
  }

  get isClean(): boolean {
    return this.seesEnd && this.seesFinish;
  }

  get isOver(): boolean {
    return this.isClean || this.seesReset || this.hasReset;
  }

  write(bytes: number): void {
    if (this.hasEnded || this.isOver || this.isFull) return;
    const start = this.written % period;
    const chunk = Buffer.from(pattern.subarray(start, start + bytes));
    this.written += bytes;
    const fate = bytes % 2 === 0 && bytes <= blockBytes ? this.#writeLent(chunk) : this.stream.write(chunk);
    if (fate === 'free' || fate === 'wait') chunk.fill(0xdb);
    this.isFull = fate === 'full' || fate === 'wait';
  }

  /** Writes as a relay whose socket lends a block, which the socket reads into again as soon as it may. */
  #writeLent(chunk: Buffer): Fate {
    const block = takeBlock();
    chunk.copy(block);
    let fate: Fate = 'free';
    const onData = (lent: Buffer) => {
      fate = this.stream.write(lent);
      return fate === 'kept' || fate === 'full';
    };
    if (lendFirst(block, chunk.length, { onData }) !== 'free') return fate;
    block.fill(0xdb);
    giveBlock(block);
    return fate;
  }

  end(): void {
    if (this.hasEnded || this.isOver) return;
    this.hasEnded = true;
    this.stream.end();
  }

  reset(): void {
    if (this.isOver) return;
    this.hasReset = true;
    this.stream.reset(resetError('the application has reset it'));
  }

  onData(chunk: Buffer): boolean {
    const start = this.read % period;
    if (!pattern.subarray(start, start + chunk.length).equals(chunk)) this.#fail('other bytes than were sent');
    this.read += chunk.length;
    if (this.isOver || this.seesEnd) this.#fail('bytes after the end');
    if (this.read > (this.other?.written ?? 0)) this.#fail('more bytes than were sent');
    return false;
  }

  onEnd(): void {
    if (this.seesEnd || this.hasReset || this.seesReset) this.#fail('an end too many');
    if (!this.other?.hasEnded || this.read !== this.other.written) this.#fail('an end with bytes missing');
    this.seesEnd = true;
  }

  onDrain(): void {
    this.isFull = false;
  }

  onFinish(): void {
    if (!this.hasEnded || this.seesFinish || this.hasReset) this.#fail('a finish too many');
    if (this.other && this.other.read !== this.written) this.#fail('finished with bytes missing');
    this.seesFinish = true;
  }

  onReset(): void {
    if (this.isOver) this.#fail('a reset after it was over');
    this.seesReset = true;
  }

  #fail(what: string): void {
    this.faults.push(`${this.name}: ${what}`);
  }
}
