import { carriers } from '../carriers/index.ts';
import type { Carrier, ServerDemand, TlsDemand } from '../core/carrier.ts';
import type { ProxyStage } from '../chain/model.ts';
import type { HeaderField } from '../core/hop.ts';
import { type TunlError, usageError } from '../core/errors.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import { halfCloseField } from '../http/half-close.ts';
import { type Http2Setup, serverSetup } from '../http/h2-setup.ts';
import type { RequestProfile } from '../http/request-front.ts';
import { rejectExchange } from '../http/tunnel-request.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import type { ServeOptions } from './options.ts';
import { type Refusals, refusals } from './refusals.ts';

/** What a server accepts, and how it answers. */
export interface ServeTerms {
  /** Those whose requests are served, in the order of the registry. */
  readonly carriers: readonly Carrier[];
  /** Switches of the carriers that were given. */
  readonly switches: ReadonlySet<string>;
  readonly http2: Http2Setup;
  /** Present where clients must speak TLS in a certain way. */
  readonly tls?: TlsDemand;
  readonly refusals: Refusals;
  /** Fields of the answer that opens a tunnel. */
  readonly grants: (exchange: TunnelExchange) => readonly HeaderField[];
  /** Answers a request that no carrier took. */
  readonly refuse: (exchange: TunnelExchange, error: TunlError) => Promise<void>;
}

/** How requests for tunnels are taken: what no carrier knows is refused by the terms, so it is read as it was sent. */
export function serveProfile({ http2 }: ServeTerms, headMs: number): RequestProfile {
  return {
    codec: 'auto',
    perConnection: 'one',
    translatable: false,
    http1: { headMs, keepAliveMs: 0, maxHeadBytes: 16 * 1024, maxLineBytes: 8 * 1024 },
    http2,
  };
}

type TermsOptions = Pick<ProxyStage, 'accept' | 'users' | 'caps' | 'statuses'>;

/**
 * Chooses what is served: CONNECT and what was asked for beside it, or the one carrier that has its
 * server for itself.
 * @throws {TunlError} usage
 */
export function createTerms(options: TermsOptions): ServeTerms {
  const terms = chooseTerms(options);
  const { http2: demand } = terms;
  // Told so, a client opens another session instead of being refused.
  return {
    ...terms,
    http2: { ...demand, maxStreams: Math.min(demand.maxStreams, options.caps?.perSession ?? Infinity) },
  };
}

function chooseTerms({ accept, users, statuses }: TermsOptions): ServeTerms {
  const given = new Set(accept);
  assertUsed(given);
  const asked = carriers.filter(({ serveFlag }) => serveFlag && given.has(serveFlag.name));
  const own = asked.find(({ server }) => server);
  if (!own?.server) {
    const served = carriers.filter(({ serveFlag }) => !serveFlag || given.has(serveFlag.name));
    const whose = refusals[statuses ?? 'serve'];
    return {
      carriers: served,
      switches: given,
      http2: serverSetup,
      refusals: whose,
      // A stage in the place of Envoy answers with the fields of Envoy.
      grants: ({ method }) => (method === 'CONNECT' && !statuses ? [halfCloseField] : []),
      refuse: (exchange, error) => rejectExchange(exchange, error, whose.statusOf(error)),
    };
  }
  const flag = `--${own.serveFlag?.name}`;
  const other = asked.find((carrier) => carrier !== own)?.serveFlag;
  if (other) throw usageError(`${flag} has its address for itself: --${other.name} cannot go with it`);
  if (own.credentials === false && (users.authFile !== undefined || users.single)) {
    throw usageError(`${flag} has no place for users and passwords`, 'its clients are known by their certificates');
  }
  if (statuses) throw usageError(`${flag} has statuses of its own: those of Envoy cannot go with it`);
  return ownTerms(own, own.server, given);
}

/** A switch for a carrier that is not served would be a rule that nobody keeps. */
function assertUsed(given: ReadonlySet<string>): void {
  for (const { serveFlag, serveSwitches = [] } of carriers) {
    const idle = serveSwitches.find(({ name }) => given.has(name));
    if (idle && serveFlag && !given.has(serveFlag.name)) throw usageError(`--${idle.name} needs --${serveFlag.name}`);
  }
}

function ownTerms(carrier: Carrier, demand: ServerDemand, switches: ReadonlySet<string>): ServeTerms {
  return {
    carriers: [carrier],
    switches,
    http2: { ...serverSetup, ...demand.http2 },
    tls: demand.tls,
    refusals: { statusOf: demand.statusOf, unserved: 405, checksExpect: false },
    grants: () => [],
    refuse: (exchange, error) => exchange.respond(demand.statusOf(error), []),
  };
}

/**
 * Reads the server's certificate, where it speaks TLS.
 * @throws {TunlError} usage
 */
export async function createAcceptor(
  { tls }: Pick<ServeOptions, 'tls'>,
  { tls: demand }: ServeTerms,
): Promise<TlsAcceptor | undefined> {
  if (!tls && !demand) return undefined;
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) throw usageError('--cert and --key go together');
  const { createTlsServer } = await import('../tls/server.ts');
  return createTlsServer({ ...tls, alpn: ['h2', 'http/1.1'], ...demand });
}
