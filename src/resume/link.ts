import { FlowLink } from '../core/flow-duplex.ts';
import type { Peer, Resumption } from '../core/link.ts';
import type { ResumableStream } from './stream.ts';

/** A resumable stream as a Link. */
export class ResumableLink extends FlowLink {
  readonly resumption?: Resumption;

  /** @param resumption absent if the stream ends with its first transport */
  constructor(stream: ResumableStream, peer: Peer, resumption?: Resumption) {
    super(stream, peer);
    if (resumption) this.resumption = resumption;
  }
}
