import type { FlowEvents } from '../../../src/core/flow.ts';
import { resetError } from '../../../src/core/link.ts';
import type { Http2Session } from '../../../src/h2/session.ts';
import type { Http2Stream } from '../../../src/h2/stream.ts';
import { makeRandom, type Random } from '../random.ts';
import { type Joined, joinEngines, lookInto, nextTick, settle, smallSetup, type TestWire } from './h2-joined.ts';

/** The contents of every stream: which byte it is follows from its place. */
const period = 251;
const pattern = Buffer.from(Array.from({ length: 200_000 + period }, (_, index) => index % period));

/** The largest number of streams at a time. */
const maxOpen = 20;

/** One end of a stream: the bytes that it has written and read, and the end that the other side is to see. */
class End implements FlowEvents {
  readonly stream: Http2Stream;
  readonly isClient: boolean;
  other: End | undefined;
  written = 0;
  read = 0;
  hasEnded = false;
  isReset = false;
  seesEnd = false;
  seesReset = false;
  /** Faults in the bytes and events that came. */
  readonly faults: string[];

  constructor(stream: Http2Stream, isClient: boolean, faults: string[]) {
    this.stream = stream;
    this.isClient = isClient;
    this.faults = faults;
    stream.listen(this);
  }

  onData(chunk: Buffer): boolean {
    const start = this.read % period;
    for (let at = 0; at < chunk.length; at += 100_000) {
      const part = chunk.subarray(at, at + 100_000);
      if (!pattern.subarray(start + (at % period), start + (at % period) + part.length).equals(part)) {
        this.#fail('other bytes than were sent');
      }
    }
    this.read += chunk.length;
    if (this.seesEnd || this.seesReset) this.#fail('bytes after the end');
    if (this.other && this.read > this.other.written) this.#fail('more bytes than were sent');
    return false;
  }

  onEnd(): void {
    if (this.seesEnd || this.seesReset) this.#fail('two ends');
    if (!this.other?.hasEnded || this.read !== this.other.written) this.#fail('an end that nobody sent');
    this.seesEnd = true;
  }

  onDrain(): void {}

  onFinish(): void {
    if (!this.hasEnded) this.#fail('finished without an end');
  }

  onReset(): void {
    if (this.seesReset) this.#fail('two resets');
    if (!this.isReset && !this.other?.isReset) this.#fail('a reset that nobody sent');
    this.seesReset = true;
  }

  #fail(what: string): void {
    this.faults.push(`stream ${this.stream.id}: ${what}`);
  }
}

/** Two engines joined in memory under random use. `step` is one act, after which the invariants must hold. */
export class Http2Model {
  readonly faults: string[] = [];
  readonly joined: Joined;
  readonly #random: Random;
  #ends: End[] = [];
  /** Ends of clients whose server has not seen them yet. */
  readonly #opened = new Map<number, End>();

  constructor(seed: number) {
    this.#random = makeRandom(seed);
    const setup =
      seed % 2 === 0 ? smallSetup : { ...smallSetup, streamWindowBytes: 500_000, sessionWindowBytes: 2_000_000 };
    this.joined = joinEngines(setup, ({ stream }) => {
      this.joined.server.respond(stream, 200, [], false);
      const end = new End(stream, false, this.faults);
      const other = this.#opened.get(stream.id) as End;
      end.other = other;
      other.other = end;
      this.#ends.push(end);
    });
  }

  /** Does one thing at random and checks the invariants. */
  async step(): Promise<void> {
    this.#act();
    await nextTick();
    this.#check(this.joined.client, this.joined.back.unread);
    this.#check(this.joined.server, this.joined.there.unread);
    const { there, back, faults } = this.joined;
    this.faults.push(...there.faults, ...back.faults, ...faults);
    if (this.#random(100) === 0) this.#forget();
  }

  /** Lets everything that is on the way arrive, and ends what is open: all windows must be whole again. */
  async finish(): Promise<void> {
    for (const wire of [this.joined.there, this.joined.back]) wire.drain();
    this.joined.client.onWritable();
    this.joined.server.onWritable();
    for (const end of this.#ends) end.stream.resume();
    await settle(this.joined);
    for (const end of this.#ends) {
      end.hasEnded = true;
      end.stream.end();
      end.stream.resume();
    }
    await settle(this.joined);
    const { client, server } = this.joined;
    for (const [sender, receiver] of [
      [client, server],
      [server, client],
    ] as const) {
      const { window } = lookInto(receiver);
      if (window.leftBytes + window.owedBytes !== window.sizeBytes) this.faults.push('bytes of the window are lost');
      if (lookInto(sender).scheduler.windowBytes !== window.leftBytes)
        this.faults.push('the two ends count differently');
      if (receiver.load > 0 || receiver.promisedBytes !== 0) this.faults.push(`${receiver.load} streams are left`);
    }
    for (const end of this.#ends) {
      if (!end.seesEnd && !end.seesReset && !end.isReset) this.faults.push(`stream ${end.stream.id} does not end`);
    }
  }

  #act(): void {
    const { client, server, there, back } = this.joined;
    const end = this.#ends[this.#random(Math.max(1, this.#ends.length))];
    switch (this.#random(14)) {
      case 0:
        return this.#open();
      case 1:
      case 2:
      case 3:
        return end && this.#write(end);
      case 4:
        if (end && this.#random(4) === 0) this.#end(end);
        return;
      case 5:
        if (end && this.#random(8) === 0) this.#reset(end);
        return;
      case 6:
        if (this.#random(3) === 0) end?.stream.pause();
        return;
      case 7:
      case 8:
        return end?.stream.resume();
      case 9:
        return this.#turn(client, there);
      case 10:
        return this.#turn(server, back);
      case 11:
        return void server.feed(there.take(this.#size()));
      case 12:
        return void client.feed(back.take(this.#size()));
      default:
        return this.#block();
    }
  }

  #open(): void {
    if (this.#opened.size >= maxOpen && this.joined.client.load >= maxOpen) return;
    if (!this.joined.client.isUsable) return;
    const stream = this.joined.client.open({ method: 'CONNECT', authority: 'a:1' }, [], false);
    const end = new End(stream, true, this.faults);
    this.#opened.set(stream.id, end);
    this.#ends.push(end);
  }

  #write(end: End): void {
    if (end.hasEnded || end.isReset || end.stream.isClosed || end.stream.queuedBytes > 300_000) return;
    const start = end.written % period;
    const chunk = Buffer.from(pattern.subarray(start, start + this.#size()));
    end.written += chunk.length;
    const fate = end.stream.write(chunk);
    // The memory is lent: an engine that says it is free must not read it again.
    if (fate === 'free') chunk.fill(255);
  }

  #end(end: End): void {
    end.hasEnded = true;
    end.stream.end();
  }

  #reset(end: End): void {
    if (end.stream.isClosed) return;
    end.isReset = true;
    end.stream.reset(resetError('a reset of the model'));
  }

  #turn(session: Http2Session, wire: TestWire): void {
    wire.isScheduled = false;
    session.flush();
  }

  #block(): void {
    const { client, server, there, back } = this.joined;
    there.keeps = this.#random(4) > 0;
    back.keeps = this.#random(4) > 0;
    const [session, wire] = this.#random(2) === 0 ? ([client, there] as const) : ([server, back] as const);
    if (this.#random(2) === 0) {
      wire.isFilling = true;
      return;
    }
    wire.drain();
    session.onWritable();
  }

  #size(): number {
    const sizes = [1, 9, 100, 1000, 3000, 20_000, 70_000, 200_000];
    return 1 + this.#random(sizes[this.#random(sizes.length)] as number);
  }

  #check(session: Http2Session, unread: TestWire['unread']): void {
    const { window, streams, scheduler } = lookInto(session);
    const own = this.#ends.filter(({ isClient }) => isClient === session.isClient);
    const held = own.reduce((sum, { stream }) => sum + stream.heldBytes, unread.bytes);
    if (window.leftBytes + window.owedBytes + held !== window.sizeBytes) {
      this.faults.push(`the window of the connection: ${window.leftBytes} + ${window.owedBytes} + ${held}`);
    }
    let ready = 0;
    let promised = 0;
    let queued = 0;
    for (const stream of streams.values()) {
      const { leftBytes, owedBytes, sizeBytes } = stream.window;
      promised += sizeBytes;
      queued += stream.pending.bytes;
      if (stream.isReady) ready++;
      if (leftBytes < 0) this.faults.push('a window below zero');
      const here = stream.heldBytes + (unread.stream === stream.id ? unread.bytes : 0);
      if (!stream.isRemoteEnded && leftBytes + owedBytes + here !== sizeBytes) {
        this.faults.push(`the window of stream ${stream.id}`);
      }
      const isSendable = stream.pending.bytes > 0 ? stream.sendWindow > 0 : stream.isEnding && !stream.isLocalEnded;
      if (isSendable && !stream.isReady) this.faults.push(`stream ${stream.id} is forgotten`);
    }
    if (ready > scheduler.readyCount) this.faults.push('more ready streams than in the ring');
    if (queued !== scheduler.queuedBytes) this.faults.push('the sum of what waits');
    if (promised !== session.promisedBytes) this.faults.push('the sum of the windows');
  }

  /** Drops what is over at both ends. */
  #forget(): void {
    const isOver = ({ stream, seesEnd, seesReset, isReset }: End) =>
      stream.isClosed && (seesEnd || seesReset || isReset);
    this.#ends = this.#ends.filter((end) => !isOver(end) || !end.other || !isOver(end.other));
    const left = new Set(this.#ends);
    for (const [id, end] of this.#opened) if (!left.has(end)) this.#opened.delete(id);
  }
}
