import { Abort } from '../core/abort.ts';
import { formatDuration } from '../core/deadline.ts';
import { flowOf } from '../core/duplex-flow.ts';
import { type ErrorFacts, messageOf, TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { type CarriedStream, type Link, type Resumption, resetError } from '../core/link.ts';
import { wheel } from '../core/wheel.ts';
import { pauseBeforeDial } from './again.ts';
import { type Message, readField, writeField } from './fields.ts';
import { agree, isProven, type KeyPair, makeKeyPair, prove } from './keys.ts';
import { ResumableLink } from './link.ts';
import { ResumableStream } from './stream.ts';
import type { Offsets, StreamOwner } from './terms.ts';

/** A transport that the far end has answered for. */
export interface Dialled {
  readonly link: Link;
  /** The fields of the answer. */
  readonly answer: readonly HeaderField[];
  /** Tells the transport what it carries, before it is used; absent if it need not know. */
  readonly onCarried?: (carried: CarriedStream) => void;
}

/** How the near end comes by transports. */
export interface NearTerms {
  /** The far end, for messages. */
  readonly name: string;
  /** The time, in milliseconds, for which another transport is looked for; 0 if the stream ends with its first one. */
  readonly holdMs: number;
  /** Dials the far end. `attempt` is 0 at first, and counts from 1 for each transport that is to replace another. */
  readonly dial: (field: HeaderField, attempt: number, signal: AbortSignal) => Promise<Dialled>;
  /** True for a failure after which it is useless to dial again. */
  readonly isFinal: (error: unknown) => boolean;
  /**
   * Waits before attempt number `attempt`, which is 1 for the first, or until the signal is aborted. Never rejects.
   * `pauseBeforeDial` if absent.
   */
  readonly pause?: (attempt: number, signal: AbortSignal) => Promise<void>;
}

/** The time, in milliseconds, in which a running dial may still tell the far end of a reset. */
const farewellMs = 2000;

/** The age, in milliseconds, at which a transport was of use even if it has carried nothing. */
const usefulMs = 1000;

/** The acknowledgements after which one was the answer to a ping: the far end sends the first by itself. */
const answeredAcks = 2;

const lost: ErrorFacts = { side: 'hop', phase: 'relay' };

/** The Link of a stream; or the bare transport, if the far end does not know such streams. */
export type OpenedStream =
  | { readonly link: Link; readonly isKnown: false }
  | {
      readonly link: Link;
      readonly isKnown: true;
      /**
       * Resolves once the far end has answered a frame of ours: the transport carries both ways, and nothing on it waits
       * for more. Rejects if the transport is lost before.
       */
      readonly reached: () => Promise<void>;
    };

/**
 * Opens a stream that outlives its transports.
 * @throws what `dial` throws; {TunlError} http_protocol_error if the answer cannot be understood
 */
export async function openResumable(terms: NearTerms): Promise<OpenedStream> {
  const pair = makeKeyPair();
  const hold = Math.ceil(terms.holdMs / 1000);
  const dialled = await terms.dial(writeField({ kind: 'open', key: pair.publicKey, hold }), 0, new Abort().signal);
  const { link, answer } = dialled;
  const message = readField(answer);
  if (message === undefined) return { link, isKnown: false };
  try {
    const near = new NearEnd(terms, pair, message);
    near.attach(dialled);
    const resumption = terms.holdMs > 0 ? near : undefined;
    return {
      link: new ResumableLink(near.stream, link.peer, resumption),
      isKnown: true,
      reached: () => near.untilReached(),
    };
  } catch (error) {
    link.reset(resetError('there is no resumable stream'));
    throw error;
  }
}

/** The end that dials again when its transport is lost. */
class NearEnd implements StreamOwner, Resumption {
  readonly stream: ResumableStream;
  isWaiting = false;
  resumed = 0;
  readonly watchers: Resumption['watchers'] = new Set();
  readonly #terms: NearTerms;
  readonly #id: string;
  readonly #key: Buffer;
  readonly #holdMs: number;
  #count = 0;
  #isOver = false;
  /** The acknowledgements that have come: the first of them is no answer to a frame of ours. */
  #acks = 0;
  #lost: Error | undefined;
  #tellReached: ((failure?: Error) => void) | undefined;
  /** Ends the dials once nothing needs them. */
  readonly #abort = new Abort();
  /** The attempts since a transport was of use, the time when they have to end, and what the present one has begun with. */
  #attempts = 0;
  #until = 0;
  #began = { at: -Infinity, progress: 0 };

  constructor(terms: NearTerms, pair: KeyPair, message: Message | 'broken') {
    if (message === 'broken' || message.kind !== 'opened') throw misunderstood(terms);
    this.#terms = terms;
    this.#id = message.id;
    this.#key = agreeWith(terms, pair, message.key);
    this.#holdMs = Math.min(terms.holdMs, message.hold * 1000);
    this.stream = new ResumableStream('near', this);
    wheel.add(this.stream);
  }

  /** Begins with the first transport. */
  attach(dialled: Dialled): void {
    this.#until = performance.now() + this.#holdMs;
    this.#use(dialled, { sent: 0, received: 0 });
  }

  /** Waits for the answer to the first frame. */
  untilReached(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tellReached = (failure) => (failure ? reject(failure) : resolve());
      if (this.#lost || this.#acks >= answeredAcks) this.#tellReached(this.#lost);
    });
  }

  onAck(): void {
    if (++this.#acks === answeredAcks) this.#tellReached?.();
  }

  onLost(reason: Error): void {
    if (this.#acks < answeredAcks) this.#lost ??= reason;
    this.#tellReached?.(this.#lost);
    if (this.#holdMs === 0) {
      const message = `the tunnel through ${this.#terms.name} was cut: ${reason.message}`;
      return this.stream.abandon(new TunlError('tunnel_truncated', message, { ...lost, cause: reason }));
    }
    const now = performance.now();
    const { at, progress } = this.#began;
    // A transport that is lost before it was of any use is no better than none.
    if (this.stream.progress > progress || now - at > usefulMs) {
      this.#attempts = 0;
      this.#until = now + this.#holdMs;
    }
    this.isWaiting = true;
    for (const tell of this.watchers) tell(reason);
    void this.#dialAgain(reason);
  }

  onOver(): void {
    this.#isOver = true;
    if (this.#acks < answeredAcks) this.#lost ??= this.stream.failure;
    this.#tellReached?.(this.#lost);
    wheel.delete(this.stream);
    // The dial that is running may still tell the far end of a reset.
    if (this.isWaiting) setTimeout(() => this.#abort.abort(resetError('the tunnel is over')), farewellMs).unref();
    this.isWaiting = false;
  }

  /** Dials until another transport is there, the time is over, or it is of no use. Never rejects. */
  async #dialAgain(reason: Error): Promise<void> {
    const { name, pause = pauseBeforeDial, isFinal } = this.#terms;
    let last: unknown = reason;
    for (;;) {
      const attempt = ++this.#attempts;
      await pause(attempt, this.#abort.signal);
      if (performance.now() >= this.#until) break;
      try {
        return await this.#replace(attempt);
      } catch (error) {
        last = error;
        // Once is enough to tell the far end of a reset.
        if (this.#isOver || isFinal(error)) break;
      }
    }
    const why = messageOf(last);
    const within = isFinal(last) ? '' : ` within ${formatDuration(this.#holdMs)}`;
    const message = `the tunnel through ${name} could not be resumed${within}: ${why}`;
    this.stream.abandon(new TunlError('tunnel_truncated', message, { ...lost, cause: last }));
  }

  async #replace(attempt: number): Promise<void> {
    const claim = { id: this.#id, count: ++this.#count, offsets: this.stream.offsets };
    const proof = prove(this.#key, 'near', claim);
    const dialled = await this.#terms.dial(
      writeField({ kind: 'attach', ...claim, proof }),
      attempt,
      this.#abort.signal,
    );
    const { link, answer } = dialled;
    const message = readField(answer);
    if (message === undefined || message === 'broken' || message.kind !== 'attached') {
      link.reset(resetError('it is no transport of the stream'));
      throw misunderstood(this.#terms);
    }
    const { offsets } = message;
    if (!isProven(this.#key, 'far', { ...claim, offsets }, message.proof) || !this.stream.fits(offsets)) {
      link.reset(resetError('the answer does not fit the stream'));
      throw misunderstood(this.#terms);
    }
    this.isWaiting = false;
    this.resumed++;
    for (const tell of this.watchers) tell();
    this.#use(dialled, offsets);
  }

  #use({ link, onCarried }: Dialled, offsets: Offsets): void {
    onCarried?.({ id: this.#id, key: this.#key, count: this.#count });
    this.#began = { at: performance.now(), progress: this.stream.progress };
    this.stream.attach(flowOf(link), offsets);
  }
}

function agreeWith(terms: NearTerms, pair: KeyPair, key: string): Buffer {
  try {
    return agree('near', pair, key);
  } catch {
    throw misunderstood(terms);
  }
}

function misunderstood({ name }: NearTerms): TunlError {
  return new TunlError('http_protocol_error', `${name} answered something else about a resumable tunnel`, lost);
}
