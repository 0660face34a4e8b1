import type { Duplex } from 'node:stream';
import { FlowDuplex } from '../../../core/flow-duplex.ts';
import type { HeaderField } from '../../../core/hop.ts';
import type { Link, Peer } from '../../../core/link.ts';
import type { Http2Stream } from '../../../h2/stream.ts';

/** Hears of the end and the close of a Link. */
export interface LinkWatcher {
  /** A reader has read to the end. */
  onEnd?(): void;
  /** It is closed, and its readers have heard of it: they can say more. Called once. */
  onClose(): void;
}

/**
 * A Link over a stream of HTTP/2. Its Duplex is made when it is first asked for.
 *
 *     end()    -> DATA with END_STREAM        END_STREAM in -> 'end'
 *     reset()  -> RST_STREAM(CONNECT_ERROR)   RST_STREAM in, or the session lost -> 'error'
 *                                             RST_STREAM with one of `cleanResets` -> 'end'
 *
 * A server that has ended its answer may reset what we still send (RFC 9113, section 8.1): then the answer is read to
 * its end all the same, and the Link takes nothing more. Only a code that tells of a failure is an error, after that end.
 */
export class Http2Link implements Link {
  readonly peer: Peer;
  /** Our trailers, where there are any. */
  trailers: (() => readonly HeaderField[]) | undefined;
  watcher: LinkWatcher | undefined;
  readonly #flow: Http2Stream;
  #stream: FlowDuplex | undefined;

  constructor(flow: Http2Stream, peer: Peer) {
    this.#flow = flow;
    this.peer = peer;
  }

  /** Absent once somebody has asked for the Duplex. */
  get flow(): Http2Stream | undefined {
    return this.#stream ? undefined : this.#flow;
  }

  get stream(): Duplex {
    if (this.#stream) return this.#stream;
    const flow = this.#flow;
    this.#stream = new FlowDuplex(flow, () => flow.end(this.trailers?.()));
    // Our half ended with the head, or the peer has closed it. Who answers ends it for himself.
    if (flow.isOwn && flow.isFinished) this.#stream.end();
    this.#stream.once('end', () => this.watcher?.onEnd?.()).once('close', () => this.#tellClose());
    return this.#stream;
  }

  /** The stream is closed. */
  close(): void {
    if (!this.#stream?.destroyed) this.#tellClose();
  }

  reset(error: Error): void {
    this.#flow.reset(error);
    this.#stream?.destroy(error);
  }

  #tellClose(): void {
    const { watcher } = this;
    this.watcher = undefined;
    watcher?.onClose();
  }
}
