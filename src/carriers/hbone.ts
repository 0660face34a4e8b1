import { formatAddress, formatHostPort, type TcpAddress } from '../core/address.ts';
import type { Carrier, HopSetting, Reach, Session, TlsDemand } from '../core/carrier.ts';
import type { DialContext, Origin } from '../core/dialer.ts';
import { TunlError, usageError } from '../core/errors.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import { toBytes } from '../core/ip.ts';
import { parseSpiffeId } from '../core/spiffe.ts';
import { hboneSetup } from '../http/h2/setup.ts';
import { connectTerms, http2Settings, type Http2Terms, openHttp2Session } from '../http/tunnel/h2-session.ts';
import { claimConnect } from '../http/server/tunnel-request.ts';

/** The TLS that ztunnel and waypoints demand of both sides on port 15008. */
const tls: TlsDemand = {
  alpn: ['h2'],
  min: 'TLSv1.3',
  ciphers: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'],
  sni: false,
  clientCert: true,
  verify: 'spiffe',
};

const settings: readonly HopSetting[] = [
  ...http2Settings,
  {
    name: 'peer',
    summary: 'the SPIFFE id that the hop must have; by default any of our trust domain',
    parse: parsePeer,
  },
  { name: 'baggage', summary: 'labels for its metrics: k8s.namespace.name=shop,…', parse: parseText },
  { name: 'network', summary: 'our network, for a gateway to another one', parse: parseText },
  {
    name: 'source',
    summary: 'our role for a gateway: waypoint, gateway or sidecar',
    parse: parseOneOf('waypoint', 'gateway', 'sidecar'),
  },
  switchSetting('forwarded', 'send it the address of the client; yes by default'),
  switchSetting('traceparent', 'send a random trace id for its log; yes by default'),
  switchSetting('nest', 'after another hbone:// hop: ask that hop for the address of this one'),
];

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

/** HBONE, the CONNECT of Istio's ambient mesh: HTTP/2 in mutual TLS, with SPIFFE ids on both sides. */
export const hbone: Carrier = {
  name: 'hbone',
  schemes: [
    {
      scheme: 'hbone',
      defaultPort: 15008,
      tls,
      host: false,
      summary: 'CONNECT over mutual-TLS HTTP/2 as Istio ambient does it',
    },
  ],
  settings,
  credentials: false,
  expectedId: (hop) => hop.settings['peer'],
  pooling: 'identity',
  // Istio's double HBONE: the gateway knows where the target is, so both layers ask for the target.
  reachInside: (hop) => (hop.settings['nest'] === 'yes' ? 'address' : 'target'),
  serveFlag: { name: 'hbone', summary: 'serve HBONE only; default address 127.0.0.1:15008' },
  serveSwitches: [
    { name: 'hbone-local', summary: 'with --hbone: allow only the address to which the client connected' },
  ],
  server: { defaultPort: 15008, tls, http2: { ...hboneSetup, maxStreams: 200 }, statusOf },
  methods: ['CONNECT'],
  halfClose: 'native',
  reset: 'native',
  open,
  claim(exchange, switches) {
    if (exchange.version !== '2') throw requestError('HBONE needs HTTP/2');
    const request = claimConnect(exchange);
    if (!request) throw requestError(`HBONE is CONNECT, not ${exchange.method}`);
    if (switches.has('hbone-local')) assertLocal(request.target, exchange);
    return request;
  },
};

async function open(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session> {
  const link = await reach({ form: 'tunnel' });
  try {
    return await openHttp2Session(link, hop, ctx, terms);
  } catch (error) {
    // Some servers refuse a certificate without a TLS alert.
    const isSilent = error instanceof TunlError && error.code === 'http_response_incomplete';
    throw isSilent ? error.withHints('it may not accept our certificate: its authority or its trust domain') : error;
  }
}

/** Chooses the status as ztunnel does: 400 for a bad request, 401 for a forbidden one, 503 for everything else. */
function statusOf({ code, side }: TunlError): number {
  if (code === 'http_request_error' && side === 'client') return 400;
  return code === 'http_request_denied' || code === 'destination_ip_prohibited' ? 401 : 503;
}

/** Refuses every target but the address that the client reached; a name too, since it may resolve to another one. */
function assertLocal(target: TcpAddress, { peer }: TunnelExchange): void {
  const { reached } = peer;
  if (reached?.kind === 'tcp' && isSameIp(target.host, reached.host)) return;
  const at = reached ? formatAddress(reached) : 'a place without an address';
  throw requestError(`ip mismatch: ${formatAddress(target)} was asked for at ${at}`);
}

function isSameIp(one: string, other: string): boolean {
  const [bytes, wanted] = [toBytes(one), toBytes(other)];
  return bytes !== undefined && bytes.length === wanted?.length && bytes.every((byte, index) => byte === wanted[index]);
}

function requestError(message: string): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request' });
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

function parsePeer(value: string): string {
  const id = parseSpiffeId(value);
  if (id) return id.text;
  throw usageError(`?peer=${value} is not spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`);
}

function parseText(value: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return value;
  throw usageError('a value is printable ASCII and not empty');
}

function parseOneOf(...known: readonly string[]): (value: string) => string {
  return (value) => {
    if (known.includes(value)) return value;
    throw usageError(`${JSON.stringify(value)} is not one of ${known.join(', ')}`);
  };
}

function switchSetting(name: string, summary: string): HopSetting {
  return { name, summary, bare: 'yes', parse: parseOneOf('yes', 'no') };
}
