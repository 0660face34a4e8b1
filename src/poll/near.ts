import { randomBytes } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { Abort } from '../core/abort.ts';
import { sizeOf } from '../core/octets.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { type CarriedStream, resetError } from '../core/link.ts';
import { backOff, pause } from '../core/waiting.ts';
import type { Call } from '../http/call.ts';
import { Proof, readAnswer, type Transfer, writeRequest } from './fields.ts';
import type { Answer, Lane } from './lane.ts';
import type { Pace } from './pace.ts';
import { PollTransport } from './transport.ts';

/** The connections of a transport, and the requests that go over them. */
export interface NearTerms {
  readonly up: Lane;
  readonly down: Lane;
  readonly pace: Pace;
  /** Makes the request for a path below the prefix. */
  readonly toCall: (path: string, fields: readonly HeaderField[], body: readonly Buffer[] | undefined) => Call;
  /** The far end, for messages. */
  readonly name: string;
}

/** A request of a transport. */
interface Request {
  readonly transfer: Transfer;
  readonly field: HeaderField;
  /** Present in `up`. */
  readonly body?: readonly Buffer[];
}

/** Statuses after which the same request may succeed (RFC 9110, section 15; RFC 6585). All from 500 on do too. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** The time, in milliseconds, that the far end may wait for bytes while bytes to it have to wait for that. */
const sharedWaitMs = 200;

/** After a body of so many bytes the next one is asked for before it is passed on: it is hardly the last. */
const aheadBytes = 64 * 1024;

/** The longest step of the back-off between two attempts of a request: the fourth, so that a short failure stays short. */
const longestStep = 3;

/** The end of a transport that makes its requests: one at a time for each direction, repeated until it is answered. */
export class NearTransport extends PollTransport {
  readonly #terms: NearTerms;
  readonly #abort = new Abort();
  #carried: CarriedStream | undefined;
  /** The number of the last body that was sent. */
  #sent = 0;
  #isSending = false;
  /** A whole body that was made while the one before is on its way. */
  #next: Request | undefined;
  #isReceiving = false;

  constructor(terms: NearTerms) {
    super();
    this.#terms = terms;
  }

  /** Names the stream; nothing is sent before. */
  carry(carried: CarriedStream): void {
    this.#carried = carried;
  }

  override resume(): void {
    super.resume();
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    void this.#run(() => this.#receive());
  }

  protected override onWork(): void {
    if (this.#isSending) return this.#prepare();
    this.#isSending = true;
    void this.#run(() => this.#send());
  }

  protected override onOver(): void {
    const { up, down } = this.#terms;
    this.#abort.abort(this.failure ?? resetError('the transport is over'));
    if (this.failure) up.close();
    else up.close('drain');
    down.close();
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.lose(error as Error);
    }
  }

  /** Makes the next request while the one before is on its way, if there are bytes for a whole body. */
  #prepare(): void {
    const most = this.#terms.pace.up;
    if (this.#next || this.isOver || this.queuedBytes < most) return;
    this.#next = this.#toUp(most);
    this.drained();
  }

  #toUp(most: number): Request {
    return this.#toRequest({ kind: 'up', number: ++this.#sent, most: 0, wait: 0 }, this.take(most));
  }

  async #send(): Promise<void> {
    const { up, pace } = this.#terms;
    for (;;) {
      // What is written in one turn of the event loop goes together.
      if (!this.#next) await immediate();
      if (this.isOver) return;
      if (!this.#next && this.queuedBytes === 0) break;
      const request = this.#next ?? this.#toUp(pace.up);
      this.#next = undefined;
      const sending = this.#repeat(up, () => request);
      // Not before it is written.
      setImmediate(() => this.#prepare());
      await sending;
      this.drained();
    }
    this.#isSending = false;
    if (this.isEnding) this.finish();
  }

  async #receive(): Promise<void> {
    let asking = this.#askFor(1);
    // Once the stream lets the transport go, nothing more comes: the far end would know no such tunnel.
    for (let number = 2; !this.isOver && !this.isEnding; number++) {
      const body = await asking;
      if (this.isOver) return;
      const isAhead = sizeOf(body) >= aheadBytes;
      if (isAhead) {
        // The far end sends the next body while this one is taken.
        asking = this.#askFor(number);
        asking.catch(() => {});
        await immediate();
      }
      this.deliver(body);
      if (!isAhead && !this.isOver && !this.isEnding) asking = this.#askFor(number);
    }
  }

  #askFor(number: number): Promise<readonly Buffer[]> {
    const { down, pace } = this.#terms;
    const wait = () => (down.isSharing ? sharedWaitMs : pace.waitMs);
    return this.#repeat(down, () => this.#toRequest({ kind: 'down', number, most: pace.down, wait: wait() }));
  }

  #toRequest(what: Pick<Transfer, 'kind' | 'number' | 'most' | 'wait'>, body?: readonly Buffer[]): Request {
    const { id, count, key } = this.#known;
    const transfer = { id, count, ...what };
    return { transfer, field: writeRequest(key, transfer, body ?? []), ...(body && { body }) };
  }

  get #known(): CarriedStream {
    if (!this.#carried) throw new TunlError('internal', 'a transport does not know its stream');
    return this.#carried;
  }

  /**
   * Sends a request until it is answered by the far end.
   * @throws {TunlError} if it will not be, or the transport is over
   */
  async #repeat(lane: Lane, make: () => Request): Promise<readonly Buffer[]> {
    const { pace } = this.#terms;
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt++) {
      if (attempt > 1) await pause(backOff(Math.min(attempt - 2, longestStep), Math.random()), signal);
      if (this.isOver) throw this.failure ?? resetError('the transport is over');
      const request = make();
      const { kind } = request.transfer;
      const proof = new Proof(this.#known.key, 'far', request.transfer);
      const began = performance.now();
      const answer = await this.#ask(lane, request, proof);
      const ms = performance.now() - began;
      if (answer && proof.isSame(readAnswer(answer.reply.headers) ?? '')) {
        const carried = sizeOf(request.body ?? answer.body);
        if (carried > 0) pace.onPassed(kind, carried, ms);
        return answer.body;
      }
      if (kind === 'down') pace.onWaitCut(ms);
      if (answer) this.#assertPassing(answer, kind);
    }
  }

  /** Sends a request once; `undefined` if it was not answered. */
  async #ask(lane: Lane, { transfer, field, body }: Request, proof: Proof): Promise<Answer | undefined> {
    const { kind, most } = transfer;
    const { signal } = this.#abort;
    // No two requests have the same path, so no cache has an answer.
    const path = `/${kind}/${randomBytes(12).toString('base64url')}`;
    try {
      const call = this.#terms.toCall(path, [field], body);
      return await lane.ask(call, Math.max(most, maxPageBytes), signal, (part) => proof.add(part));
    } catch {
      if (!lane.isSharing) lane.close();
      return undefined;
    }
  }

  /** Checks that an answer which is none of the far end may be followed by a better one. */
  #assertPassing({ reply: { status } }: Answer, kind: Transfer['kind']): void {
    const { name, pace } = this.#terms;
    // Anything may stand in the way and answer for the far end; a page of success is not final either.
    if (status < 400 || status >= 500 || passing.has(status)) return;
    if (status === 413) pace.shrink(kind);
    throw new TunlError('hop_refused', `${name} refused bytes of a tunnel with ${status}`, {
      side: 'hop',
      phase: 'relay',
      received: status,
    });
  }
}

/** The most bytes of a page that stands for an answer. */
const maxPageBytes = 64 * 1024;
