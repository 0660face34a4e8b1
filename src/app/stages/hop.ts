import { findScheme } from '../../carriers/index.ts';
import { formatAddress } from '../../core/address.ts';
import type { CarrierScheme, HopReach, Session, TlsDemand } from '../../core/carrier.ts';
import { type HopPosition, usageError } from '../../core/errors.ts';
import { formatHop, type HeaderField, type Hop, plainScheme } from '../../core/hop.ts';
import type { DialContext } from '../../core/dialer.ts';
import type { EventSink } from '../../core/events.ts';
import type { Resolve } from '../../dial/resolve.ts';
import { type HopRoute, via, type ViaLayer } from '../../dial/via.ts';
import type { HopChoice, RouteOptions } from '../../chain/model/graph.ts';
import { parseAlwaysResumed, parseResume, resumeName } from '../../resume/setting.ts';
import type { TakePool } from '../kept-pools.ts';
import { createSecurity, type SecuredPeer, type Security } from './security.ts';

/** A hop's layer, whose certificates and keys can be read again. */
export interface HopLayer extends ViaLayer {
  /**
   * Reads the files again for future sessions; open tunnels live on.
   * @throws {TunlError} usage, and leaves everything as it was
   */
  reload(): Promise<void>;
}

/** The parts of a route that its hops use. */
export interface HopParts {
  readonly options: RouteOptions;
  /** Resolves names within the limit for DNS, for hops that are asked for addresses only. */
  readonly resolve: Resolve;
  readonly sessions: 'shared' | 'per-tunnel';
  readonly emit: EventSink;
  /** Finds the sessions that an earlier generation has opened in the same way; absent if none are kept. */
  readonly takePool?: TakePool<Session>;
  /** Aborted when the route is replaced: certificates are no longer renewed, and sessions live on. */
  readonly until?: AbortSignal;
}

/**
 * Makes the layer of one hop, which is one of the alternatives in `hops[place]`. Certificates and keys are read here,
 * before anything is opened.
 * @throws {TunlError} usage, if the hop cannot be used as it is written
 */
export async function createHopLayer(
  hop: Hop,
  place: number,
  { options: { hops, limits, entry }, resolve, sessions, emit, takePool, until }: HopParts,
): Promise<HopLayer> {
  const scheme = findHopScheme(hop);
  const { carrier, tls, families } = scheme;
  if (hop.address.kind === 'unix') assertFirst(hop, place === 0 && entry === undefined);
  assertHost(hop, scheme);
  if (hop.credentials && carrier.credentials === false) {
    throw usageError(`${formatHop(hop)} has a user, and ${hop.scheme}:// has no place for one`);
  }
  if (carrier.protocol === 'socks' && (hop.headers.length > 0 || hop.formats)) {
    throw usageError(`${formatHop(hop)} has header fields, which SOCKS has no place for`);
  }
  const demand = tls && demandOf(hop, scheme, tls);
  const expectedId = carrier.expectedId?.(hop);
  const agent = carrier.identitySource?.(hop);
  // A tunnel that outlives its connections dials this way again, for as long as it lives.
  const isDialledAgain = hops.flat().some(mayBeResumed);
  const identity = agent !== undefined && {
    agent,
    expectedId,
    emit,
    until: isDialledAgain ? undefined : until,
    onRenew: () => layer.renew(),
  };
  const security = demand && (await createSecurity(hop.tls, demand, identity || undefined));
  const position = { index: place + 1, count: hops.length };
  const plain = via({
    hop,
    position,
    carrier,
    reachedBy: findReach(hop, hops[place - 1]),
    sessions,
    ...(takePool && !agent && { takePool: (make) => takePool(identify(hop, hops.slice(0, place), security), make) }),
    ...(security && { secure: secureHop(security, describePeer(hop, demand, expectedId)) }),
    ...(hop.formats && { fill: await createFill(hop.formats) }),
    tlsMs: limits.tlsMs,
    handshakeMs: limits.handshakeMs,
  });
  const resolved = families && (await import('../../dial/resolve-here.ts')).resolveHere(resolve, families);
  const layer = await withResume(plain, hop, position);
  return {
    ...layer,
    ...(resolved && { layer: (next) => resolved(layer.layer(next)) }),
    async reload() {
      if (!security) return;
      await security.reload();
      layer.renew();
    },
    async close() {
      security?.close();
      await layer.close();
    },
  };
}

/**
 * Describes what the sessions to a hop are opened with: all that is said of the hop but the header fields, which belong to
 * tunnels, and all that is said of the hops before it.
 */
function identify(
  { headers: _ofTunnels, formats: _filledIn, ...hop }: Hop,
  before: readonly HopChoice[],
  security: Security | undefined,
): object {
  return { hop, before, files: security?.digest };
}

function mayBeResumed(hop: Hop): boolean {
  if (hop.chooser) return false;
  return hop.settings[resumeName] !== undefined || findHopScheme(hop).carrier.isOfRequests === true;
}

/** Makes the tunnels of a hop outlive their transports, if the user wants it and they do not by themselves. */
async function withResume(layer: ViaLayer, hop: Hop, position: HopPosition): Promise<ViaLayer> {
  if (findHopScheme(hop).carrier.isOfRequests) {
    parseAlwaysResumed(hop);
    return layer;
  }
  const terms = parseResume(hop.settings[resumeName]);
  if (!terms) return layer;
  // Loaded on demand, because few hops have such tunnels.
  const { resumable } = await import('../tunnel/resumable.ts');
  return resumable(layer, hop, position, terms);
}

/** Rejects a socket that is not the first hop: another hop, or another stage of this process, could not find our file. */
function assertFirst(hop: Hop, isFirst: boolean): void {
  if (isFirst) return;
  const message = `${formatHop(hop)} is a socket of this machine, and can only be first on the way`;
  throw usageError(message, 'put it before the other proxies');
}

/** Makes the function that fills in fields from the facts about a tunnel. It omits fields whose value is empty. */
async function createFill(formats: readonly HeaderField[]): Promise<(ctx: DialContext) => readonly HeaderField[]> {
  // Loaded on demand, because few hops have such fields.
  const { parseFormat, writeValue } = await import('../../syntax/format/format.ts');
  const fields = formats.map(([name, text]) => [name, parseFormat(text)] as const);
  return ({ origin }) => {
    const facts = { origin, began: Date.now() };
    return fields
      .map(([name, format]): HeaderField => [name, writeValue(format, facts)])
      .filter(([, value]) => value !== '');
  };
}

/** Rejects a second `Host`, and any `Host` for a scheme that has none. */
function assertHost(hop: Hop, { host }: CarrierScheme): void {
  const given = listHosts(hop).length;
  if (given > 1) throw usageError(`${formatHop(hop)} is to be sent more than one Host`);
  if (given === 1 && host === false) {
    throw usageError(
      `${formatHop(hop)} speaks HTTP/2, where the target stands in the place of Host`,
      'https:// can be asked in HTTP/1.1, which has a Host of its own',
    );
  }
}

function listHosts({ headers, formats = [] }: Hop): HeaderField[] {
  return [...headers, ...formats].filter(([name]) => name.toLowerCase() === 'host');
}

/** Combines the TLS settings of the scheme with the ALPN of the hop. A Host that the user set requires HTTP/1.1. */
function demandOf(hop: Hop, { scheme }: CarrierScheme, tls: TlsDemand): TlsDemand {
  const { alpn } = hop.tls;
  if (alpn !== undefined && !tls.alpn.includes(alpn)) {
    throw usageError(`${formatHop(hop)} cannot be asked in ${alpn}: ${scheme}:// offers ${tls.alpn.join(' and ')}`);
  }
  if (listHosts(hop).length === 0) return alpn === undefined ? tls : { ...tls, alpn: [alpn] };
  if (alpn === 'h2') throw usageError(`${formatHop(hop)} has alpn=h2 and a Host, which HTTP/2 has no place for`);
  return { ...tls, alpn: ['http/1.1'] };
}

/** Finds the scheme of a hop with its carrier. @throws {TunlError} usage, if there is none of that name */
export function findHopScheme({ scheme: name }: Pick<Hop, 'scheme'>) {
  const scheme = findScheme(name);
  if (!scheme) throw usageError(`there is no way to go through ${name}://`);
  return scheme;
}

/** Finds how a hop is reached. It depends on the hop before only if all alternatives there have the same carrier. */
function findReach(hop: Hop, before: HopChoice = []): HopReach {
  const { carrier } = findHopScheme(hop);
  const own = before.filter((other) => !other.chooser && findHopScheme(other).carrier === carrier);
  const reach = own.length === 0 ? 'address' : (carrier.reachInside?.(hop) ?? 'address');
  if (reach === 'target' && own.length < before.length) {
    throw usageError(`what ${formatHop(hop)} means depends on which of ${before.map(formatHop).join('|')} is taken`);
  }
  return reach;
}

function secureHop(security: Security, peer: SecuredPeer): NonNullable<HopRoute['secure']> {
  return (link, signal, alpn = peer.alpn) => security.secure(link, { ...peer, alpn }, signal);
}

function describePeer(hop: Hop, demand: TlsDemand, expectedId: string | undefined): SecuredPeer {
  const plain = plainScheme(hop.scheme);
  return {
    ...demand,
    ...nameServer(hop, demand),
    place: formatAddress(hop.address),
    ...(plain !== undefined && { withoutTls: `write ${plain}:// instead of ${hop.scheme}://` }),
    ...(expectedId !== undefined && { expectedId }),
  };
}

/** Returns the name that a hop's certificate must have. A Unix socket has no name of its own. */
function nameServer(hop: Hop, demand: TlsDemand): Pick<SecuredPeer, 'host' | 'sni'> {
  const { address, tls } = hop;
  if (address.kind === 'tcp') return { host: address.host };
  if (tls.servername !== undefined) return { host: tls.servername };
  if (demand.verify !== 'spiffe' && tls.pin === undefined && !tls.insecure) {
    throw usageError(`${formatHop(hop)} has no name that its certificate could be for`, 'name one: servername=NAME');
  }
  return { host: formatAddress(address), sni: false };
}
