import { formatAddress, type TcpAddress } from '../core/address.ts';
import type { Carrier, HopSetting, TlsDemand } from '../core/carrier.ts';
import { requestError, type TunlError, usageError } from '../core/errors.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import { toBytes } from '../core/ip.ts';
import { agentVariable, parseSpiffeId } from '../core/spiffe.ts';
import { hboneSetup } from '../http/h2/setup.ts';
import { http2Settings } from '../http/tunnel/h2-session.ts';
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
  {
    name: 'spiffe',
    summary: 'take our certificate, key and authorities from the SPIFFE agent there: unix:PATH',
    parse: parseAgent,
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
  // The agent that the hop names, or without files of our own that of the environment.
  identitySource: ({ settings: { spiffe }, tls: own }) =>
    spiffe ?? (own.cert === undefined && own.cacert === undefined ? process.env[agentVariable] : undefined),
  pooling: 'identity',
  // Istio's double HBONE: the gateway knows where the target is, so both layers ask for the target.
  reachInside: (hop) => (hop.settings['nest'] === 'yes' ? 'address' : 'target'),
  serveFlag: { name: 'hbone', summary: 'serve HBONE only; default address 127.0.0.1:15008' },
  serveSwitches: [
    { name: 'hbone-local', summary: 'with --hbone: allow only the address to which the client connected' },
  ],
  // The pool of ztunnel has a number of its own.
  server: { defaultPort: 15008, tls, http2: { ...hboneSetup, maxStreams: 200 }, assumedStreams: 100, statusOf },
  methods: ['CONNECT'],
  halfClose: 'native',
  reset: 'native',
  open: async (...reached) => (await import('./hbone-client.ts')).openHbone(...reached),
  claim(exchange, { switches }) {
    if (exchange.version !== '2') throw requestError('HBONE needs HTTP/2');
    const request = claimConnect(exchange);
    if (!request) throw requestError(`HBONE is CONNECT, not ${exchange.method}`);
    if (switches.has('hbone-local')) assertLocal(request.target, exchange);
    return request;
  },
};

/** Chooses the status as ztunnel does: 400 for a bad request, 401 for a forbidden one, 503 for everything else. */
function statusOf({ code, side }: TunlError): number {
  if (code === 'http_request_error' && side === 'client') return 400;
  return code === 'http_request_denied' || code === 'destination_ip_prohibited' ? 401 : 503;
}

/** Refuses every target but the address that the client reached; a name too, since it may resolve to another one. */
function assertLocal(target: TcpAddress, { peer }: TunnelExchange): void {
  // Not where a PROXY header says that it was.
  const { reached } = peer.direct ?? peer;
  if (reached?.kind === 'tcp' && isSameIp(target.host, reached.host)) return;
  const at = reached ? formatAddress(reached) : 'a place without an address';
  throw requestError(`ip mismatch: ${formatAddress(target)} was asked for at ${at}`);
}

function isSameIp(one: string, other: string): boolean {
  const [bytes, wanted] = [toBytes(one), toBytes(other)];
  return bytes !== undefined && bytes.length === wanted?.length && bytes.every((byte, index) => byte === wanted[index]);
}

function parsePeer(value: string): string {
  const id = parseSpiffeId(value);
  if (id) return id.text;
  throw usageError(`?peer=${value} is not spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`);
}

function parseAgent(value: string): string {
  if (/^unix:./.test(value)) return value;
  throw usageError(`?spiffe=${value} is not unix:PATH`);
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
