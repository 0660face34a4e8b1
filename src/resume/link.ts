import { FlowLink } from '../core/flow-duplex.ts';
import type { Peer, Resumption } from '../core/link.ts';
import type { ResumableStream } from './stream.ts';

/** A resumable stream as a Link. */
export class ResumableLink extends FlowLink {
  readonly resumption: Resumption;

  constructor(stream: ResumableStream, peer: Peer, resumption: Resumption) {
    super(stream, peer);
    this.resumption = resumption;
  }
}
