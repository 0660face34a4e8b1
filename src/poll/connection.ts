import { originAuth } from '../auth/model/fields.ts';
import { formatAddress, type TcpAddress } from '../core/address.ts';
import type { ReachedLink } from '../core/carrier.ts';
import type { Hop } from '../core/hop.ts';
import { Http1Client } from '../http/h1/client.ts';
import { type AskedConnection, LoginClient } from '../http/requests/login-client.ts';
import { askProxy } from '../http/requests/through-proxy.ts';
import { proxyPeer } from '../http/tunnel/h1-session.ts';
import type { RequestClient } from './lane.ts';

/** The far end of the requests, and how it is reached. */
export interface ConnectionTerms {
  readonly hop: Hop;
  readonly target: TcpAddress;
  /** True to learn whether the far end asks who we are: nothing that proves it is sent. */
  readonly anonymous?: boolean;
  /** Opens another Link to the far end, or to the proxy before it. */
  readonly reach: (signal: AbortSignal) => Promise<ReachedLink>;
}

/**
 * Makes the client of the far end, which may ask who we are. A Link to an HTTP proxy before it carries its requests in
 * absolute form, and the proxy may ask too.
 */
export function toClient(link: ReachedLink, terms: ConnectionTerms): RequestClient {
  const { hop, target, anonymous = false, reach } = terms;
  return new LoginClient(toConnection(link, terms), {
    hop,
    anonymous,
    asks: originAuth,
    target,
    connect: async (signal) => toConnection(await reach(signal), terms),
  });
}

function toConnection(link: ReachedLink, { hop, target, reach }: ConnectionTerms): AskedConnection {
  const { requestHop } = link;
  if (!requestHop) return new Http1Client(link, proxyPeer(hop, link, `POST ${formatAddress(target)}`));
  return askProxy(link, requestHop, hop.address, reach);
}
