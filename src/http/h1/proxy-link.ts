import type { ReachedLink } from '../../core/carrier.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';

/** A Link to a proxy that takes plain requests in absolute form (RFC 9112, section 3.2.2). */
export class ProxyLink implements ReachedLink {
  readonly peer: Link['peer'];
  readonly requestForm = 'absolute';
  readonly requestHop: NonNullable<ReachedLink['requestHop']>;
  readonly requestHeaders: readonly HeaderField[];
  readonly #link: Link;

  /** @param headers the fields that the user adds for the proxy */
  constructor(link: Link, proxy: NonNullable<ReachedLink['requestHop']>, headers: readonly HeaderField[]) {
    this.#link = link;
    this.peer = link.peer;
    this.requestHop = proxy;
    this.requestHeaders = headers;
  }

  get stream(): Link['stream'] {
    return this.#link.stream;
  }

  get flow(): Link['flow'] {
    return this.#link.flow;
  }

  reset(error: Error): void {
    this.#link.reset(error);
  }
}
