import { sizeOf } from '../core/octets.ts';
import type { Exchange, StreamClient } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import { requestError, type TunlError } from '../core/errors.ts';
import { type CarriedStream, resetError } from '../core/link.ts';
import { maxBodyBytes, maxWaitMs, Proof, type ProvenTransfer, type Transfer, writeAnswer } from './fields.ts';
import { readBody } from './body.ts';
import { PollTransport } from './transport.ts';

/** How many transports may wait for their first request. */
const maxUnused = 1000;

/** How many requests of one transport may be read or wait at a time, for intermediaries that repeat them. */
const maxAtOnce = 8;

/** The fields of each answer, for caches and whoever changes bodies. */
const answerFields: readonly HeaderField[] = [
  ['Cache-Control', 'no-store, no-transform'],
  ['Content-Type', 'application/octet-stream'],
];

/** The transports of a process whose requests come to it. */
export class FarTransports {
  readonly #known = new Map<string, FarTransport>();
  /** Those that no request has come for, the oldest first. */
  readonly #unused = new Set<FarTransport>();
  readonly #maxUnused: number;

  /** @param most the number of transports that may wait for their first request; then the oldest are given up */
  constructor(most = maxUnused) {
    this.#maxUnused = most;
  }

  /** The number of transports. */
  get size(): number {
    return this.#known.size;
  }

  /** Makes the transport of a stream, in place of the one before. */
  open(carried: CarriedStream & StreamClient): FarTransport {
    const transport: FarTransport = new FarTransport(carried, () => {
      this.#unused.delete(transport);
      if (this.#known.get(carried.id) === transport) this.#known.delete(carried.id);
    });
    this.#known.set(carried.id, transport);
    this.#unused.add(transport);
    for (const oldest of this.#unused) {
      if (this.#unused.size <= this.#maxUnused) break;
      oldest.giveUp();
    }
    return transport;
  }

  /**
   * Serves a request of a transport; resolves once it is answered.
   * @throws {TunlError} http_request_error: 404 if there is no such transport, the client is another, or the proof is
   * wrong; nobody learns which it was. 409 for a number that is not its turn, 413 for a body that is too long, 429 for
   * more requests than anybody needs.
   */
  async serve(exchange: Exchange, request: ProvenTransfer, client: StreamClient): Promise<void> {
    const transport = this.#known.get(request.id);
    if (!transport?.belongsTo(client, request)) throw unknownError();
    await transport.serve(exchange, request, () => this.#unused.delete(transport));
  }
}

/** The only ones of this process; stages that are replaced leave theirs to their successors. */
export const farTransports = new FarTransports();

/** A request that waits for the next bytes, and the most of them that it wants. */
interface Waiting {
  readonly most: number;
  readonly answer: (given: Body) => void;
}

/** A body that is given out. */
interface Body {
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  /** The request that it was made for before that came, and the field of the answer to it. */
  readonly made?: { readonly ask: Transfer; readonly field: HeaderField };
}

const nothing: Body = { parts: [], bytes: 0 };

/** The end of a transport that answers its requests. */
class FarTransport extends PollTransport {
  readonly #carried: CarriedStream & StreamClient;
  readonly #onGone: () => void;
  /** The number of the last body that came. */
  #taken = 0;
  /** The last body that was given out: it is given again if its request is repeated. */
  #given: { readonly number: number; readonly body: Body } = { number: 0, body: nothing };
  /** The last request for bytes that was new, and the next body, if it was made before it is asked for. */
  #asked: Transfer | undefined;
  #next: Body | undefined;
  readonly #waiting = new Set<Waiting>();
  #served = 0;
  #isScheduled = false;

  constructor(carried: CarriedStream & StreamClient, onGone: () => void) {
    super();
    this.#carried = carried;
    this.#onGone = onGone;
  }

  /** True if a request of this client may be one of this transport. */
  belongsTo({ stage, user }: StreamClient, { count }: Transfer): boolean {
    const own = this.#carried;
    return own.stage === stage && own.user === user && own.count === count;
  }

  /** Ends it because others need its place. */
  giveUp(): void {
    this.lose(resetError('no request came for the transport'));
  }

  /** Serves a request; `onProven` is called once it has proved itself. */
  async serve(exchange: Exchange, request: ProvenTransfer, onProven: () => void): Promise<void> {
    if (this.#served >= maxAtOnce) throw requestError('the tunnel has too many requests at a time', { status: 429 });
    this.#served++;
    try {
      const { key } = this.#carried;
      const proof = new Proof(key, 'near', request);
      const isUp = request.kind === 'up';
      const body = isUp ? await readBody(exchange, maxBodyBytes, (part) => proof.add(part)) : [];
      if (this.isOver || !proof.isSame(request.proof)) throw unknownError();
      onProven();
      const isNew = isUp && this.#isNext(request);
      const given = isUp ? nothing : await this.#get(exchange, request);
      exchange.hold();
      const answer = exchange.answer(200, [
        ...answerFields,
        ['Content-Length', String(given.bytes)],
        isFor(given, request) ? given.made.field : writeAnswer(key, request, given.parts),
      ]);
      for (const part of given.parts) answer.write(part);
      answer.end();
      // The near end makes the next body while this one is taken.
      if (isNew) this.#take(request, body);
      await exchange.done;
    } finally {
      this.#served--;
      this.#finishIfDone();
    }
  }

  protected override onWork(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // What is written in one turn of the event loop goes together.
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#hasBytes) this.#giveOut();
      else this.#finishIfDone();
    });
  }

  protected override onOver(): void {
    this.#onGone();
    for (const { answer } of this.#waiting) answer(nothing);
  }

  get #hasBytes(): boolean {
    return this.#next !== undefined || this.queuedBytes > 0;
  }

  /** True for the next body, false for one that came before. */
  #isNext({ number }: Transfer): boolean {
    if (number > this.#taken + 1) throw turnError();
    return number === this.#taken + 1;
  }

  #take({ number }: Transfer, body: readonly Buffer[]): void {
    this.#taken = number;
    this.deliver(body);
  }

  /** Finds the body with a number, and waits for its bytes if there are none yet. */
  #get(exchange: Exchange, request: ProvenTransfer): Body | Promise<Body> {
    const { number, most, wait } = request;
    if (number === this.#given.number) return this.#given.body;
    if (number !== this.#given.number + 1) throw turnError();
    this.#asked = request;
    return new Promise((resolve) => {
      const waiting: Waiting = {
        most,
        answer: (given) => {
          clearTimeout(timer);
          exchange.gone.removeEventListener('abort', onGone);
          this.#waiting.delete(waiting);
          resolve(given);
        },
      };
      const onGone = () => waiting.answer(nothing);
      const timer = setTimeout(() => this.#giveOut(), Math.min(wait, maxWaitMs));
      exchange.gone.addEventListener('abort', onGone, { once: true });
      this.#waiting.add(waiting);
      if (this.#hasBytes) this.#giveOut();
    });
  }

  /** Gives the next body, which may be empty, to those who wait for it. */
  #giveOut(): void {
    const waiting = [...this.#waiting];
    if (waiting.length === 0) return this.#prepare();
    const body = this.#takeBody(Math.min(maxBodyBytes, ...waiting.map(({ most }) => most)));
    this.#given = { number: this.#given.number + 1, body };
    for (const { answer } of waiting) answer(body);
    this.drained();
    // Not before the answers are written.
    this.onWork();
  }

  /** Makes the next body before it is asked for, if there are bytes for a whole one. */
  #prepare(): void {
    const asked = this.#asked;
    if (!asked || this.#next || this.isOver) return;
    const bytes = Math.min(maxBodyBytes, asked.most);
    if (this.queuedBytes < bytes) return;
    const ask = { ...asked, number: this.#given.number + 1 };
    const parts = this.take(bytes);
    this.#next = { parts, bytes, made: { ask, field: writeAnswer(this.#carried.key, ask, parts) } };
    this.drained();
  }

  #takeBody(most: number): Body {
    const next = this.#next;
    this.#next = undefined;
    if (!next) return toBody(this.take(most));
    if (next.bytes <= most) return next;
    const whole = Buffer.concat(next.parts);
    this.#next = toBody([whole.subarray(most)]);
    return toBody([whole.subarray(0, most)]);
  }

  /** Ends it once the stream has let it go and its last bytes are given out. */
  #finishIfDone(): void {
    if (this.isEnding && !this.#hasBytes && this.#served === this.#waiting.size) this.finish();
  }
}

function toBody(parts: readonly Buffer[]): Body {
  return { parts, bytes: sizeOf(parts) };
}

/** True for a body that was made for just this request. */
function isFor(body: Body, { number, most, wait }: Transfer): body is Body & Required<Pick<Body, 'made'>> {
  const ask = body.made?.ask;
  return ask !== undefined && ask.number === number && ask.most === most && ask.wait === wait;
}

function unknownError(): TunlError {
  return requestError('there is no such tunnel', { status: 404 });
}

function turnError(): TunlError {
  return requestError('it is not the turn of this body', { status: 409 });
}
