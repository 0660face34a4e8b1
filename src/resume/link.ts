import type { Duplex } from 'node:stream';
import { FlowDuplex } from '../core/flow-duplex.ts';
import type { Link, Peer, Resumption } from '../core/link.ts';
import type { ResumableStream } from './stream.ts';

/** A resumable stream as a Link. Its Duplex is made when it is first asked for. */
export class ResumableLink implements Link {
  readonly peer: Peer;
  readonly resumption: Resumption;
  readonly #stream: ResumableStream;
  #duplex: FlowDuplex | undefined;

  constructor(stream: ResumableStream, peer: Peer, resumption: Resumption) {
    this.#stream = stream;
    this.peer = peer;
    this.resumption = resumption;
  }

  /** Absent once somebody has asked for the Duplex. */
  get flow(): ResumableStream | undefined {
    return this.#duplex ? undefined : this.#stream;
  }

  get stream(): Duplex {
    this.#duplex ??= new FlowDuplex(this.#stream);
    return this.#duplex;
  }

  reset(error: Error): void {
    this.#stream.reset(error);
    this.#duplex?.destroy(error);
  }
}
