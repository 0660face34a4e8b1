import type { Fate } from '../../../src/core/flow.ts';
import type { HeaderField } from '../../../src/core/hop.ts';
import { Http2Client } from '../../../src/h2/client.ts';
import type { RequestPseudoFields } from '../../../src/h2/head.ts';
import type { Wire } from '../../../src/h2/scheduler.ts';
import { Http2Server } from '../../../src/h2/server.ts';
import type { Http2Session } from '../../../src/h2/session.ts';
import type { SessionSetup } from '../../../src/h2/session-base.ts';
import type { Http2Stream } from '../../../src/h2/stream.ts';
import { flags, type Frame, frameHeadBytes, parseFrame, preface } from '../peers/h2-frames.ts';

/** Windows that are small enough to be used up often. */
export const smallSetup: SessionSetup = {
  cleanResets: new Set(),
  streamWindowBytes: 65_535,
  sessionWindowBytes: 200_000,
  maxStreams: 50,
  maxHeaderBytes: 16_384,
  maxFields: 100,
  maxFrameBytes: 65_536,
  extendedConnect: false,
};

/** One direction between two engines: the bytes that one has written and the other has not read yet. */
export class TestWire implements Wire {
  /** Bytes on the way, in their order. */
  bytes: Buffer = Buffer.alloc(0);
  isScheduled = false;
  /** The next write fills it: it takes no more until `drain`. */
  isFilling = false;
  isFull = false;
  /** True if it still reads the bytes of a write after `write` has returned. */
  keeps = false;
  /** Writes that were against the rules. */
  readonly faults: string[] = [];
  readonly #closed = new Map<number, 'ended' | 'reset'>();
  #skip: number;
  /** The rest of the DATA frame in whose middle the taken bytes end. */
  unread = { stream: 0, bytes: 0 };
  #preamble: number;
  #head: number[] = [];
  #left = 0;
  #dataStream = 0;
  #rest: Buffer = Buffer.alloc(0);

  /** @param skip bytes that are no frames: those of the preface */
  constructor(skip: number) {
    this.#skip = skip;
    this.#preamble = skip;
  }

  write(parts: readonly Buffer[]): Fate {
    if (this.isFull) this.faults.push('written while the wire was full');
    const written = Buffer.concat(parts);
    this.bytes = Buffer.concat([this.bytes, written]);
    this.#watch(written);
    this.isFull = this.isFilling;
    if (this.isFull) return 'full';
    return this.keeps ? 'kept' : 'free';
  }

  /** Takes more again. */
  drain(): void {
    this.isFilling = false;
    this.isFull = false;
  }

  schedule(): void {
    this.isScheduled = true;
  }

  /** Takes bytes for the other end. */
  take(bytes: number): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, bytes));
    this.bytes = this.bytes.subarray(bytes);
    this.#follow(taken);
    return taken;
  }

  /** Notes in the middle of which DATA frame the bytes that were taken end. */
  #follow(taken: Buffer): void {
    const preamble = Math.min(this.#preamble, taken.length);
    this.#preamble -= preamble;
    for (let at = preamble; at < taken.length;) {
      if (this.#left > 0) {
        const part = Math.min(this.#left, taken.length - at);
        this.#left -= part;
        at += part;
        continue;
      }
      this.#head.push(taken[at++] as number);
      if (this.#head.length < frameHeadBytes) continue;
      const head = Buffer.from(this.#head);
      this.#head = [];
      this.#left = head.readUIntBE(0, 3);
      this.#dataStream = head[3] === 0 ? head.readUInt32BE(5) : 0;
    }
    this.unread = this.#dataStream > 0 ? { stream: this.#dataStream, bytes: this.#left } : { stream: 0, bytes: 0 };
  }

  /** After the end of a stream only windows and a reset may follow, after its reset nothing. */
  #watch(written: Buffer): void {
    const skipped = Math.min(this.#skip, written.length);
    this.#skip -= skipped;
    this.#rest = Buffer.concat([this.#rest, written.subarray(skipped)]);
    for (let frame = parseFrame(this.#rest); frame; frame = parseFrame(this.#rest)) {
      this.#rest = this.#rest.subarray(frameHeadBytes + frame.payload.length);
      if (frame.stream > 0) this.#watchFrame(frame);
    }
  }

  #watchFrame({ type, stream, flags: bits }: Frame): void {
    const how = this.#closed.get(stream);
    const mayFollow = how === undefined || (how === 'ended' && (type === 'windowUpdate' || type === 'reset'));
    if (!mayFollow) this.faults.push(`${type} after stream ${stream} was ${how}`);
    if (type === 'reset') this.#closed.set(stream, 'reset');
    else if ((type === 'data' || type === 'headers') && (bits & flags.endStream) !== 0) {
      this.#closed.set(stream, 'ended');
    }
  }
}

/** A stream as a server hears of it. */
export interface Accepted {
  readonly stream: Http2Stream;
  readonly head: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  readonly isEnd: boolean;
}

/** A client and a server that are joined in memory. */
export interface Joined {
  readonly client: Http2Client;
  readonly server: Http2Server;
  /** From the client to the server. */
  readonly there: TestWire;
  readonly back: TestWire;
  readonly faults: string[];
}

/** Joins a client and a server. Nothing moves by itself. */
export function joinEngines(setup: SessionSetup, onStream: (accepted: Accepted) => void): Joined {
  const there = new TestWire(preface.length);
  const back = new TestWire(0);
  const faults: string[] = [];
  const events = (name: string) => ({
    onSettings: () => {},
    onIdle: () => {},
    onFault: ({ message }: Error) => faults.push(`${name}: ${message}`),
  });
  const client = new Http2Client(there, setup, events('client'));
  const server = new Http2Server(back, setup, {
    ...events('server'),
    onStream: (stream, head, fields, isEnd) => onStream({ stream, head, fields, isEnd }),
  });
  return { client, server, there, back, faults };
}

/** Writes what the session has queued, and hands all that is on the way to the other one, until nothing moves. */
export async function settle({ client, server, there, back }: Joined): Promise<void> {
  for (let isMoving = true; isMoving;) {
    client.flush();
    server.flush();
    isMoving = there.bytes.length + back.bytes.length > 0;
    server.feed(there.take(there.bytes.length));
    client.feed(back.take(back.bytes.length));
    await nextTick();
  }
}

/** Resolves once the callbacks of this tick have run. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** The private members of a session that the tests read. */
export interface Inside {
  readonly window: { readonly sizeBytes: number; readonly leftBytes: number; readonly owedBytes: number };
  readonly streams: ReadonlyMap<number, Http2Stream>;
  readonly scheduler: {
    readonly readyCount: number;
    readonly queuedBytes: number;
    readonly windowBytes: number;
    readonly frames: { readonly bytes: number };
  };
}

/** Returns the private members of a session, which its users cannot read. */
export function lookInto(session: Http2Session): Inside {
  return session as unknown as Inside;
}
