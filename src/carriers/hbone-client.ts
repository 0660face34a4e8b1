import { formatHostPort } from '../core/address.ts';
import type { Reach, Session } from '../core/carrier.ts';
import type { DialContext, Origin } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import { hboneSetup } from '../http/h2/setup.ts';
import { connectTerms, type Http2Terms, openHttp2Session } from '../http/tunnel/h2-session.ts';

const policyHint = 'its authorization policy does not allow that target to the identity in our certificate';

// It knows us by our certificate, and asks for nothing else.
const { asks: _none, ...silentTerms } = connectTerms;

const terms: Http2Terms = {
  ...silentTerms,
  // ztunnel does not accept another 2xx either.
  opens: { kind: 'connect', isAccepted: (status) => status === 200 },
  userAgent: 'none',
  halfClose: 'now',
  fields: (hop, { origin }) => [
    ...toFields('baggage', hop.settings['baggage']),
    ...(hop.settings['forwarded'] === 'no' ? [] : toFields('forwarded', formatForwarded(origin))),
    ...(hop.settings['traceparent'] === 'no' ? [] : toFields('traceparent', makeTraceparent())),
    ...toFields('x-forwarded-network', hop.settings['network']),
    ...toFields('x-istio-source', hop.settings['source']),
  ],
  meaningOf(status) {
    switch (status) {
      case 400:
        return {
          code: 'hop_refused',
          side: 'hop',
          hint: 'it did not accept the target: a ztunnel accepts the address at which it was dialled, or the name of a service',
        };
      case 401:
        return { code: 'auth_required', side: 'hop', hint: policyHint };
      // A waypoint with layered policies.
      case 403:
        return { code: 'hop_refused', side: 'hop', hint: policyHint };
      case 503:
        return {
          code: 'destination_unavailable',
          side: 'target',
          hint: 'a ztunnel answers so if nothing accepts connections there, or if the service is unknown; its log has the reason',
        };
      default:
        return undefined;
    }
  },
  client: hboneSetup,
};

/** The client half of HBONE. @throws {TunlError} with a hint, if the hop closes without a word */
export async function openHbone(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session> {
  const link = await reach({ form: 'tunnel' });
  try {
    return await openHttp2Session(link, hop, ctx, terms);
  } catch (error) {
    // Some servers refuse a certificate without a TLS alert.
    const isSilent = error instanceof TunlError && error.code === 'http_response_incomplete';
    throw isSilent ? error.withHints('it may not accept our certificate: its authority or its trust domain') : error;
  }
}

function toFields(name: string, value: string | undefined): HeaderField[] {
  return value === undefined ? [] : [[name, value]];
}

/** Writes a `Forwarded` value; an address with a port is always quoted (RFC 7239, section 6). */
function formatForwarded({ peer: { address } }: Origin): string | undefined {
  return address?.kind === 'tcp' ? `for="${formatHostPort(address.host, address.port)}"` : undefined;
}

/** Makes a `traceparent` that is not sampled (W3C Trace Context, section 3.2); ztunnel requires these 55 bytes. */
function makeTraceparent(): string {
  // The global is loaded at its first use; an import of node:crypto would cost every start 3 ms.
  const ids = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('hex');
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
