import { randomBytes } from 'node:crypto';
import { formatDuration } from '../core/deadline.ts';
import { flowOf } from '../core/duplex-flow.ts';
import { requestError, TunlError } from '../core/errors.ts';
import type { StreamClient } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import { type CarriedStream, type Link, type Resumption, resetError } from '../core/link.ts';
import { Counts } from '../core/waiting.ts';
import { type Ticked, wheel } from '../core/wheel.ts';
import { type AttachRequest, type OpenRequest, writeField } from './fields.ts';
import { agree, isProven, makeKeyPair, prove } from './keys.ts';
import { ResumableLink } from './link.ts';
import { processMemory, type StreamMemory } from './memory.ts';
import { ResumableStream } from './stream.ts';
import type { StreamOwner } from './terms.ts';

/** How many streams may wait for a transport at a time: in all, and of one owner. */
const [maxWaiting, maxWaitingOfOwner] = [10_000, 1000];

/** The answer to a request for a stream, or for a transport of one. */
export interface Answer<T> {
  readonly field: HeaderField;
  /** The stream, for a transport that has to know it. */
  readonly carried: CarriedStream & StreamClient;
  /** Begins to use the transport, once the answer is written. */
  readonly start: (link: Link) => T;
}

/** Limits of the streams that wait. */
export interface WaitingLimits {
  readonly total: number;
  readonly perOwner: number;
  readonly memory: StreamMemory;
}

/** The far ends of all resumable streams of a process. */
export class FarEnds implements Ticked {
  readonly #limits: WaitingLimits;
  readonly #ends = new Map<string, FarEnd>();
  /** Those that wait for a transport, the longest first, and how many of each owner. */
  readonly #waiting = new Set<FarEnd>();
  readonly #waitingOf = new Counts();
  #isEvicting = false;

  constructor(limits: Partial<WaitingLimits> = {}) {
    this.#limits = { total: maxWaiting, perOwner: maxWaitingOfOwner, memory: processMemory, ...limits };
    this.#limits.memory.onFull = () => this.#evictSoon();
  }

  /** The number of streams that are known. */
  get size(): number {
    return this.#ends.size;
  }

  /**
   * Answers a request for a stream. Nothing is kept until the transport is used.
   * @throws {TunlError} http_request_error if its key is of no use
   */
  open(request: OpenRequest, client: StreamClient, mostMs: number): Answer<Link> {
    const pair = makeKeyPair();
    const key = agreeWith(pair, request.key);
    const holdMs = Math.min(request.hold * 1000, mostMs);
    const id = randomBytes(16).toString('base64url');
    return {
      field: writeField({ kind: 'opened', id, key: pair.publicKey, hold: Math.ceil(holdMs / 1000) }),
      carried: { id, key, count: 0, ...client },
      start: (link) => {
        const end = new FarEnd({ id, key, client, holdMs }, this, this.#limits.memory);
        this.#ends.set(id, end);
        end.stream.attach(flowOf(link), { sent: 0, received: 0 });
        return new ResumableLink(end.stream, link.peer, holdMs > 0 ? end : undefined);
      },
    };
  }

  /**
   * Answers a request that brings another transport. `unknown`: there is no such stream, the client is another, or the
   * proof is wrong; nobody learns which it was. `used`: the request has been here before, as far as its number tells.
   */
  resume({ id, count, offsets, proof }: AttachRequest, client: StreamClient): Answer<void> | 'unknown' | 'used' {
    const end = this.#ends.get(id);
    if (!end || !end.belongsTo(client) || !isProven(end.key, 'near', { id, count, offsets }, proof)) return 'unknown';
    if (count <= end.count) return 'used';
    end.count = count;
    const { stream } = end;
    if (!stream.fits(offsets)) {
      stream.abandon(resetError('the other end has lost bytes that were not acknowledged'));
      return 'unknown';
    }
    const own = { id, count, offsets: stream.offsets };
    return {
      field: writeField({ kind: 'attached', offsets: own.offsets, proof: prove(end.key, 'far', own) }),
      carried: { id, key: end.key, count, ...end.client },
      start: (link) => {
        this.#endWait(end);
        end.replaceTransport();
        stream.attach(flowOf(link), offsets);
      },
    };
  }

  /** Keeps a stream that has lost its transport; others may have to go for it. */
  wait(end: FarEnd): void {
    const { owner } = end;
    if (this.#waiting.size === 0) wheel.add(this);
    this.#waiting.add(end);
    this.#waitingOf.add(owner);
    const { perOwner, total } = this.#limits;
    if (this.#waitingOf.of(owner) > perOwner) this.#evict(owner);
    if (this.#waiting.size > total) this.#evict();
  }

  forget(end: FarEnd): void {
    this.#ends.delete(end.id);
    this.#endWait(end);
  }

  onTick(now: number): void {
    for (const end of this.#waiting) if (now >= end.waitsUntil) end.expire();
  }

  #endWait(end: FarEnd): void {
    if (!this.#waiting.delete(end)) return;
    if (this.#waiting.size === 0) wheel.delete(this);
    this.#waitingOf.remove(end.owner);
  }

  /** Gives up the stream that has waited longest; of one owner, if one is named. */
  #evict(owner?: string): void {
    for (const end of this.#waiting) {
      if (owner !== undefined && end.owner !== owner) continue;
      return end.stream.abandon(lostError('others needed its place'));
    }
  }

  /** Not at once: it is a call of one of the streams that needs memory. */
  #evictSoon(): void {
    if (this.#isEvicting || this.#waiting.size === 0) return;
    this.#isEvicting = true;
    setImmediate(() => {
      this.#isEvicting = false;
      while (this.#limits.memory.isFull && this.#waiting.size > 0) this.#evict();
    });
  }
}

/** The only ones of this process; stages that are replaced leave theirs to their successors. */
export const farEnds = new FarEnds();

function agreeWith(pair: ReturnType<typeof makeKeyPair>, key: string): Buffer {
  try {
    return agree('far', pair, key);
  } catch (cause) {
    throw requestError('the key of the resumable tunnel is not valid', { cause });
  }
}

function lostError(why: string): TunlError {
  return new TunlError('tunnel_truncated', `the tunnel was not resumed: ${why}`, { side: 'client', phase: 'relay' });
}

/** What does not change in a far end. */
interface FarFacts {
  readonly id: string;
  readonly key: Buffer;
  readonly client: StreamClient;
  readonly holdMs: number;
}

/** The end that waits for another transport. */
class FarEnd implements StreamOwner, Resumption {
  readonly stream: ResumableStream;
  /** The highest number that was used. */
  count = 0;
  isWaiting = false;
  resumed = 0;
  readonly watchers: Resumption['watchers'] = new Set();
  /** The tick at which it is given up. */
  waitsUntil = 0;
  readonly #facts: FarFacts;
  readonly #ends: FarEnds;

  constructor(facts: FarFacts, ends: FarEnds, memory: StreamMemory) {
    this.#facts = facts;
    this.#ends = ends;
    this.stream = new ResumableStream('far', this, memory);
    wheel.add(this.stream);
  }

  get id(): string {
    return this.#facts.id;
  }

  get key(): Buffer {
    return this.#facts.key;
  }

  get client(): StreamClient {
    return this.#facts.client;
  }

  /** Those who share a limit. */
  get owner(): string {
    const { user, source } = this.#facts.client;
    return user === undefined ? `from ${source}` : `user ${user}`;
  }

  belongsTo({ stage, user }: StreamClient): boolean {
    const { client } = this.#facts;
    return client.stage === stage && client.user === user;
  }

  onLost(reason: Error): void {
    // The near end may not know the stream: nobody would come.
    if (!this.stream.isConfirmed || this.#facts.holdMs === 0) return this.stream.abandon(reason);
    this.isWaiting = true;
    this.waitsUntil = wheel.now + Math.ceil(this.#facts.holdMs / 1000);
    this.#ends.wait(this);
    for (const tell of this.watchers) tell(reason);
  }

  onOver(): void {
    this.isWaiting = false;
    wheel.delete(this.stream);
    this.#ends.forget(this);
  }

  /** Another transport takes over. */
  replaceTransport(): void {
    this.isWaiting = false;
    this.resumed++;
    for (const tell of this.watchers) tell();
  }

  expire(): void {
    this.stream.abandon(lostError(`no transport came within ${formatDuration(this.#facts.holdMs)}`));
  }
}
