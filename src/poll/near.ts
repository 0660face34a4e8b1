import { randomBytes } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { Abort } from '../core/abort.ts';
import { sizeOf } from '../core/octets.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { type CarriedStream, resetError } from '../core/link.ts';
import { backOff, pause } from '../core/waiting.ts';
import type { Call } from '../http/call.ts';
import { isProven, readAnswer, type Transfer, writeRequest } from './fields.ts';
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

/** Statuses after which the same request may succeed (RFC 9110, section 15; RFC 6585). All from 500 on do too. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** The time, in milliseconds, that the far end may wait for bytes while bytes to it have to wait for that. */
const sharedWaitMs = 200;

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
    if (this.#isSending) return;
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

  async #send(): Promise<void> {
    const { up, pace } = this.#terms;
    for (;;) {
      // What is written in one turn of the event loop goes together.
      await immediate();
      if (this.isOver) return;
      if (this.queuedBytes === 0) break;
      const body = this.take(pace.up);
      const number = ++this.#sent;
      await this.#repeat(up, () => ({ kind: 'up', number, most: 0, wait: 0 }), body);
      this.drained();
    }
    this.#isSending = false;
    if (this.isEnding) this.finish();
  }

  async #receive(): Promise<void> {
    const { down, pace } = this.#terms;
    // Once the stream lets the transport go, nothing more comes: the far end would know no such tunnel.
    for (let number = 1; !this.isOver && !this.isEnding; number++) {
      const body = await this.#repeat(down, () => ({
        kind: 'down',
        number,
        most: pace.down,
        wait: down.isSharing ? sharedWaitMs : pace.waitMs,
      }));
      if (!this.isOver) this.deliver(body);
    }
  }

  /**
   * Sends a request until it is answered by the far end.
   * @throws {TunlError} if it will not be, or the transport is over
   */
  async #repeat(
    lane: Lane,
    ask: () => Pick<Transfer, 'kind' | 'number' | 'most' | 'wait'>,
    body?: readonly Buffer[],
  ): Promise<readonly Buffer[]> {
    const { pace } = this.#terms;
    const { signal } = this.#abort;
    if (!this.#carried) throw new TunlError('internal', 'a transport does not know its stream');
    const { id, count, key } = this.#carried;
    for (let attempt = 0; ; attempt++) {
      if (attempt > 1) await pause(backOff(Math.min(attempt - 2, longestStep), Math.random()), signal);
      if (this.isOver) throw this.failure ?? resetError('the transport is over');
      const transfer = { id, count, ...ask() };
      const { kind, most } = transfer;
      const field = writeRequest(key, transfer, body ?? []);
      const began = performance.now();
      const answer = await this.#ask(lane, kind, field, body, most);
      const ms = performance.now() - began;
      if (answer && isProven(key, 'far', transfer, answer.body, readAnswer(answer.reply.headers) ?? '')) {
        if (kind === 'up') pace.onPassed(kind, sizeOf(body ?? []), ms);
        else if (answer.body.length > 0) pace.onPassed(kind, sizeOf(answer.body), ms);
        return answer.body;
      }
      if (kind === 'down') pace.onWaitCut(ms);
      if (answer) this.#assertPassing(answer, kind);
    }
  }

  /** Sends a request once; `undefined` if it was not answered. */
  async #ask(
    lane: Lane,
    kind: Transfer['kind'],
    field: HeaderField,
    body: readonly Buffer[] | undefined,
    most: number,
  ): Promise<Answer | undefined> {
    // No two requests have the same path, so no cache has an answer.
    const path = `/${kind}/${randomBytes(12).toString('base64url')}`;
    try {
      return await lane.ask(this.#terms.toCall(path, [field], body), Math.max(most, maxPageBytes), this.#abort.signal);
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
