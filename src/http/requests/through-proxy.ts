import { proxyAuth } from '../../auth/model/fields.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import type { ReachedLink } from '../../core/carrier.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Call, Reply } from '../call.ts';
import { Http1Client } from '../h1/client.ts';
import { upstreamPeer } from '../h1/upstream.ts';
import { withoutNamesakes } from '../wire/message.ts';
import { type AskedConnection, LoginClient } from './login-client.ts';

/** Sends requests to a proxy in absolute form (RFC 9112, section 3.2.2). */
class ProxyClient extends LoginClient {
  override call(call: Call, signal: AbortSignal): Promise<Reply> {
    const { scheme, authority, target } = call;
    return super.call({ ...call, target: `${scheme}://${authority}${target === '*' ? '' : target}` }, signal);
  }
}

/**
 * Makes the client of requests to a proxy, which is at the other end of a Link. They go to it in absolute form.
 * @param redial opens another such Link, for a proxy that closes the first one while it asks who we are
 */
export function askProxy(
  link: ReachedLink,
  { hop, position }: NonNullable<ReachedLink['requestHop']>,
  target: Address,
  redial: (signal: AbortSignal) => Promise<ReachedLink>,
): LoginClient {
  const name = formatAddress(hop.address);
  const connect = async (signal: AbortSignal) => {
    const again = await redial(signal);
    if (again.requestHop?.hop === hop) return toConnection(again, name);
    const error = new TunlError('connection_terminated', `${name} is not the proxy on the way any more`, {
      side: 'hop',
      phase: 'relay',
    });
    again.reset(error);
    throw error;
  };
  return new ProxyClient(toConnection(link, name), { hop, position, asks: proxyAuth, target, connect });
}

function toConnection(link: ReachedLink, name: string): AskedConnection {
  const client = new Http1Client(link, upstreamPeer(name, 'hop'));
  return {
    certificate: link.peer.tls?.certificate,
    capacity: client.capacity,
    get load() {
      return client.load;
    },
    get usable() {
      return client.usable;
    },
    close: (mode) => client.close(mode),
    call: (call, signal) => client.call(addFields(call, link.requestHeaders ?? []), signal),
  };
}

/** Adds the fields of the user for the proxy, in place of those of the same name. */
function addFields(call: Call, fields: readonly HeaderField[]): Call {
  return { ...call, headers: [...withoutNamesakes(call.headers, fields), ...fields] };
}
