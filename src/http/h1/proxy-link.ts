import type { ReachedLink } from '../../core/carrier.ts';
import type { HeaderField } from '../../core/hop.ts';
import { type Link, LinkView } from '../../core/link.ts';

/** A Link to a proxy that takes plain requests in absolute form (RFC 9112, section 3.2.2). */
export class ProxyLink extends LinkView implements ReachedLink {
  readonly requestHop: NonNullable<ReachedLink['requestHop']>;
  readonly requestHeaders: readonly HeaderField[];

  /** @param headers the fields that the user adds for the proxy */
  constructor(link: Link, proxy: NonNullable<ReachedLink['requestHop']>, headers: readonly HeaderField[]) {
    super(link);
    this.requestHop = proxy;
    this.requestHeaders = headers;
  }
}
