import { findScheme } from '../../carriers/index.ts';
import { formatAddress } from '../../core/address.ts';
import type { CarrierScheme, HopReach, TlsDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import { formatHop, type HeaderField, type Hop, plainScheme } from '../../core/hop.ts';
import type { DialContext } from '../../core/dialer.ts';
import { type HopRoute, via, type ViaLayer } from '../../dial/via.ts';
import type { HopChoice, RouteOptions } from '../../chain/model/graph.ts';
import { createSecurity, type SecuredPeer, type Security } from './security.ts';

/** A hop's Stage, whose certificates and keys can be read again. */
export interface HopLayer extends ViaLayer {
  /**
   * Reads the files again, for the sessions to come; tunnels that are open live on.
   * @throws {TunlError} usage, and then everything stays as it was
   */
  reload(): Promise<void>;
}

/**
 * Makes the Stage of one hop: `hops[place]` holds it. Certificates and keys are read here, before
 * anything is opened.
 * @throws {TunlError} usage, when the hop cannot be gone through as it is written
 */
export async function createHopStage(
  hop: Hop,
  place: number,
  { hops, limits, entry }: RouteOptions,
  sessions: 'shared' | 'per-tunnel',
): Promise<HopLayer> {
  const scheme = findHopScheme(hop);
  const { carrier, tls } = scheme;
  if (hop.address.kind === 'unix') assertFirst(hop, place === 0 && entry === undefined);
  assertHost(hop, scheme);
  if (hop.credentials && carrier.credentials === false) {
    throw usageError(`${formatHop(hop)} has a user, and ${hop.scheme}:// has no place for one`);
  }
  const demand = tls && demandOf(hop, scheme, tls);
  const security = demand && (await createSecurity(hop.tls, demand));
  const stage = via({
    hop,
    position: { index: place + 1, count: hops.length },
    carrier,
    reachedBy: findReach(hop, hops[place - 1]),
    sessions,
    ...(security && { secure: secureHop(security, describePeer(hop, demand, carrier.expectedId?.(hop))) }),
    ...(hop.formats && { fill: await createFill(hop.formats) }),
    tlsMs: limits.tlsMs,
    handshakeMs: limits.handshakeMs,
  });
  return {
    ...stage,
    async reload() {
      if (!security) return;
      await security.reload();
      stage.renew();
    },
  };
}

/** The hop before it, or the stage of this process, would have to find a file of ours. */
function assertFirst(hop: Hop, isFirst: boolean): void {
  if (isFirst) return;
  const message = `${formatHop(hop)} is a socket of this machine, and can only be first on the way`;
  throw usageError(message, 'put it before the other proxies');
}

/** Fills in fields from what is known of who asked; one whose value is empty then is not sent. */
async function createFill(formats: readonly HeaderField[]): Promise<(ctx: DialContext) => readonly HeaderField[]> {
  // Few hops have any.
  const { parseFormat, writeValue } = await import('../../syntax/format/format.ts');
  const fields = formats.map(([name, text]) => [name, parseFormat(text)] as const);
  return ({ origin }) => {
    const facts = { origin, began: Date.now() };
    return fields
      .map(([name, format]): HeaderField => [name, writeValue(format, facts)])
      .filter(([, value]) => value !== '');
  };
}

/** A user may set `Host` once, and only where the version of HTTP has one. */
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

/** TLS as the scheme wants it, with what the hop says of ALPN: a Host of the user's own can be said in HTTP/1.1 only. */
function demandOf(hop: Hop, { scheme }: CarrierScheme, tls: TlsDemand): TlsDemand {
  const { alpn } = hop.tls;
  if (alpn !== undefined && !tls.alpn.includes(alpn)) {
    throw usageError(`${formatHop(hop)} cannot be asked in ${alpn}: ${scheme}:// offers ${tls.alpn.join(' and ')}`);
  }
  if (listHosts(hop).length === 0) return alpn === undefined ? tls : { ...tls, alpn: [alpn] };
  if (alpn === 'h2') throw usageError(`${formatHop(hop)} has alpn=h2 and a Host, which HTTP/2 has no place for`);
  return { ...tls, alpn: ['http/1.1'] };
}

function findHopScheme(hop: Hop) {
  const scheme = findScheme(hop.scheme);
  if (!scheme) throw usageError(`there is no way to go through ${formatHop(hop)}`);
  return scheme;
}

/** Only where every way to this hop is one of its own carrier can it depend on the hop before it. */
function findReach(hop: Hop, before: HopChoice = []): HopReach {
  const { carrier } = findHopScheme(hop);
  const own = before.filter((other) => findHopScheme(other).carrier === carrier);
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

/** The name that a hop's certificate must be for. A socket has none of its own. */
function nameServer(hop: Hop, demand: TlsDemand): Pick<SecuredPeer, 'host' | 'sni'> {
  const { address, tls } = hop;
  if (address.kind === 'tcp') return { host: address.host };
  if (tls.servername !== undefined) return { host: tls.servername };
  if (demand.verify !== 'spiffe' && tls.pin === undefined && !tls.insecure) {
    throw usageError(`${formatHop(hop)} has no name that its certificate could be for`, 'name one: servername=NAME');
  }
  return { host: formatAddress(address), sni: false };
}
