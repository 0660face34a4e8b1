import { carriers } from '../../carriers/index.ts';
import {
  asksUsers,
  type HttpStage,
  type ListenerTls,
  type ProxyStage,
  type RouteName,
} from '../../chain/model/graph.ts';
import type { Carrier, ClaimTerms, ServerDemand, TlsDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { TunnelExchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { findFronts, type Front, http } from '../../fronts/index.ts';
import { requestServerSetup, serverSetup } from '../../http/h2/setup.ts';
import { halfCloseField } from '../../http/tunnel/half-close.ts';
import type { RequestProfile } from '../../http/server/front.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import type { Caps } from '../../syntax/settings.ts';
import { plainSwitch, usualPathPrefix } from '../../syntax/stage-settings.ts';
import { type Refusals, refusals } from '../requests/statuses.ts';

/**
 * The terms on which a stage speaks HTTP: the differences between a proxy and a stage that routes requests, as data.
 */
export interface ServeTerms {
  /** The protocols in which clients may ask. */
  readonly fronts: readonly Front[];
  /** Decides how requests are read. */
  readonly front: RequestProfile;
  /** The ALPN protocols that clients in TLS may choose from. */
  readonly alpn: readonly string[];
  /** Present if clients must use TLS in a certain way. */
  readonly tls?: TlsDemand;
  readonly refusals: Refusals;
  /** Present if the settings of the stage are valid but will not work for the clients of its carrier. */
  readonly warning?: string;
  /** Present for a proxy: every request must ask for a tunnel, or be a plain one. Otherwise the routes decide. */
  readonly tunnels?: TunnelTerms;
  /** True if a proxy forwards plain requests too. */
  readonly plain?: boolean;
}

/** The requests for tunnels that a proxy accepts, and its answers. */
export interface TunnelTerms extends ClaimTerms {
  /** The carriers whose requests are served, in the order of the registry. */
  readonly carriers: readonly Carrier[];
  /** Returns the fields of the answer that opens a tunnel. */
  readonly grants: (exchange: TunnelExchange) => readonly HeaderField[];
}

/** The time, in milliseconds, that a client of a proxy may wait before its next plain request: that of squid. */
const plainKeepAliveMs = 120_000;

/** The time, in milliseconds, that a connection may wait for its next request: an hour, as in Envoy. */
const keepAliveMs = 3_600_000;

/**
 * Chooses how a stage speaks HTTP; a head may take `headMs` milliseconds.
 * @throws {TunlError} usage
 */
export async function createTerms(
  stage: ProxyStage<RouteName> | HttpStage<RouteName>,
  headMs: number,
): Promise<ServeTerms> {
  const terms = stage.job === 'proxy' ? await proxyTerms(stage, headMs) : requestTerms(stage, headMs);
  const { http2 } = terms.front;
  // Most clients that know the limit open another session instead of being refused.
  const maxStreams = stage.caps?.perSession ?? http2.maxStreams;
  return { ...terms, front: { ...terms.front, http2: { ...http2, maxStreams } } };
}

/**
 * Makes the terms of a stage that routes requests: each may have another destination, and may be forwarded in the other
 * version of HTTP.
 */
function requestTerms({ codec, hosts }: HttpStage<RouteName>, headMs: number): ServeTerms {
  const { maxHeaderBytes: maxHeadBytes } = requestServerSetup;
  const actions = hosts.flatMap(({ routes }) => routes.map(({ action }) => action));
  const takesProtocols = actions.some(
    (action) =>
      // `bytestream` asks for a tunnel.
      action.kind === 'tunnels' || action.upgrades?.some((name) => name !== 'connect'),
  );
  return {
    fronts: [http],
    front: {
      codec,
      perConnection: 'many',
      translatable: true,
      http1: { headMs, keepAliveMs, maxHeadBytes, maxLineBytes: maxHeadBytes },
      http2: { ...requestServerSetup, extendedConnect: takesProtocols },
    },
    alpn: { auto: http.alpn, http1: ['http/1.1'], http2: ['h2'] }[codec],
    refusals: refusals.envoy,
  };
}

/**
 * Makes the terms of a proxy: CONNECT and the carriers that the user accepts, or a single carrier that needs its server
 * for itself.
 */
async function proxyTerms(
  { accept, users, statuses, caps, pathPrefix = usualPathPrefix, resumeMs = 0, front: kind }: ProxyStage<RouteName>,
  headMs: number,
): Promise<ServeTerms> {
  const given = new Set(accept);
  assertUsed(given);
  const fronts = kind === undefined ? [http] : findFronts(kind);
  // Programs send plain requests to a front for HTTP, whatever else they send.
  const plain = given.has(plainSwitch.name) || (kind !== undefined && fronts.includes(http));
  const asked = carriers.filter(({ serveFlag }) => serveFlag && given.has(serveFlag.name));
  const front: RequestProfile = {
    codec: 'auto',
    perConnection: plain || asked.some(({ isOfRequests }) => isOfRequests) ? 'many' : 'one',
    // The form of a target decides what it means, so targets are read as they were sent.
    translatable: false,
    http1: {
      headMs,
      keepAliveMs: plainKeepAliveMs,
      maxHeadBytes: (plain ? 64 : 16) * 1024,
      maxLineBytes: 8 * 1024,
    },
    http2: serverSetup,
  };
  const own = asked.find(({ server }) => server);
  if (!own?.server) {
    const served = carriers.filter(({ serveFlag }) => !serveFlag || given.has(serveFlag.name));
    // A stage that replaces Envoy answers with the fields of Envoy.
    const grants = ({ method }: TunnelExchange) => (method === 'CONNECT' && !statuses ? [halfCloseField] : []);
    const extendedConnect = served.some((carrier) => carrier.extendedConnect);
    return {
      fronts,
      front: { ...front, http2: { ...front.http2, extendedConnect } },
      alpn: fronts.flatMap((each) => each.alpn),
      refusals: { ...refusals[statuses ?? 'serve'], closes: true },
      plain,
      tunnels: { carriers: await Promise.all(served.map(loadServer)), switches: given, pathPrefix, grants },
    };
  }
  const flag = `--${own.serveFlag?.name}`;
  const other = asked.find((carrier) => carrier !== own)?.serveFlag;
  if (other) throw usageError(`${flag} has its address for itself: --${other.name} cannot go with it`);
  if (own.credentials === false && asksUsers({ users })) {
    throw usageError(`${flag} has no place for users and passwords`, 'its clients are known by their certificates');
  }
  if (kind !== undefined) throw usageError(`${flag} has its address for itself: ${kind}: cannot go with it`);
  if (plain) throw usageError(`${flag} has its address for itself: plain requests cannot go with it`);
  if (resumeMs > 0) {
    throw usageError(
      `${flag} cannot go with --resume`,
      'the peers of a mesh ask for no tunnels that outlive their connections',
    );
  }
  if (statuses) throw usageError(`${flag} has statuses of its own: those of Envoy cannot go with it`);
  return {
    fronts,
    alpn: http.alpn,
    ...ownTerms(own, own.server, { switches: given, pathPrefix }, front),
    ...warnOfCap(flag, own.server, caps),
  };
}

/** Warns of a cap that refuses tunnels of clients which do not look at it. */
function warnOfCap(
  flag: string,
  { assumedStreams = 0 }: ServerDemand,
  { perSession = assumedStreams }: Caps = {},
): Pick<ServeTerms, 'warning'> {
  if (perSession >= assumedStreams) return {};
  const cap = `--max-tunnels-per-session ${perSession}`;
  return {
    warning: `${cap} is low for ${flag}: a ztunnel puts ${assumedStreams} tunnels into a session, and the rest fail`,
  };
}

async function loadServer(carrier: Carrier): Promise<Carrier> {
  return carrier.loadClaim ? { ...carrier, claim: await carrier.loadClaim() } : carrier;
}

/** Refuses a switch of a carrier that is not served, because it would have no effect. */
function assertUsed(given: ReadonlySet<string>): void {
  for (const { serveFlag, serveSwitches = [] } of carriers) {
    const idle = serveSwitches.find(({ name }) => given.has(name));
    if (idle && serveFlag && !given.has(serveFlag.name)) throw usageError(`--${idle.name} needs --${serveFlag.name}`);
  }
}

function ownTerms(
  carrier: Carrier,
  demand: ServerDemand,
  claimTerms: ClaimTerms,
  front: RequestProfile,
): Omit<ServeTerms, 'alpn' | 'fronts'> {
  return {
    front: { ...front, http2: { ...front.http2, ...demand.http2 } },
    tls: demand.tls,
    refusals: { statusOf: demand.statusOf, unserved: 405, checksExpect: false, isBare: true },
    tunnels: { carriers: [carrier], ...claimTerms, grants: () => [] },
  };
}

/**
 * Reads the certificate of the server, if it uses TLS.
 * @throws {TunlError} usage
 */
export async function createAcceptor(
  tls: ListenerTls | undefined,
  { tls: demand, alpn }: ServeTerms,
  emit: EventSink,
): Promise<(TlsAcceptor & { close?(): void }) | undefined> {
  if (!tls && !demand) return undefined;
  if (tls?.spiffe !== undefined) return createSuppliedAcceptor(tls, tls.spiffe, demand, emit);
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) throw usageError('--cert and --key go together');
  if (demand?.clientCert && tls?.clientCert === 'optional')
    throw usageError('clients of hbone always show certificates', 'leave client-cert out');
  const { createTlsServer } = await import('../../tls/server.ts');
  return createTlsServer({ ...tls, alpn, ...demand });
}

/** Makes an acceptor whose certificate, key and authorities a SPIFFE agent gives, and renews. @throws {TunlError} usage */
async function createSuppliedAcceptor(
  tls: ListenerTls,
  agent: string,
  demand: ServeTerms['tls'],
  emit: EventSink,
): Promise<TlsAcceptor & { close(): void }> {
  if (demand?.verify !== 'spiffe')
    throw usageError('spiffe goes with hbone, whose clients have SPIFFE ids', 'write --hbone, or accept: hbone');
  if ([tls.cert, tls.clientCa, tls.clientCert, tls.clientNames].some((given) => given !== undefined))
    throw usageError('spiffe gives certificate, key and authorities', 'leave cert, key and client-… out');
  const [{ createTlsServer }, { openWorkloadSource }, { supplyFor }] = await Promise.all([
    import('../../tls/server.ts'),
    import('../workload/source.ts'),
    import('../workload/svid.ts'),
  ]);
  const source = await openWorkloadSource(agent, { emit, onRenew: () => acceptor.reload() });
  const acceptor = await createTlsServer({ ...demand, supply: () => supplyFor(source.current) }).catch(
    (error: unknown) => {
      source.close();
      throw error;
    },
  );
  return Object.assign(acceptor, { close: () => source.close() });
}
