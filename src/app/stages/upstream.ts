import { isIP } from 'node:net';
import type { RouteName, Target, TargetChoice, Upstream } from '../../chain/model/graph.ts';
import { type Address, formatAddress, type TcpAddress } from '../../core/address.ts';
import { type Dial, pipe, type Layer } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import { balance } from '../../dial/balance.ts';
import { type Listener, placesOf } from '../../core/listener.ts';
import { parseAuthority } from '../../syntax/authority.ts';
import { fieldValues } from '../../http/wire/message.ts';
import { guard, guardText } from '../../policy/guard.ts';
import { createPolicy } from '../../policy/rules.ts';
import type { Forwarder } from '../../router/forwarder.ts';
import type { Route } from './route.ts';
import { createSecurity, secureEnd, type Security } from './security.ts';
import { withDialledPath } from './dialled-path.ts';

/** An upstream of an HTTP stage, ready for requests and tunnels. */
export interface ReadyUpstream {
  readonly name: string;
  /** A field of the request names its place. */
  readonly isChosen: boolean;
  readonly route: Route;
  /**
   * Chooses the place that a request goes to.
   * @throws {TunlError} destination_unavailable, when the request should name it and does not
   */
  readonly choose: (request: Exchange) => Address;
  /** Leads to such a place with nothing but bytes, in TLS where the upstream wants it. */
  readonly dial: Dial;
  /** Made when the first request goes on. */
  readonly forwarder: () => Promise<Forwarder>;
  /**
   * Reads its certificates and keys again.
   * @throws {TunlError} usage
   */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** What an upstream is made of beside its own words. */
export interface UpstreamParts {
  readonly route: Route;
  /** Listeners of the whole graph: no request may name one of them. */
  readonly listeners: () => readonly Listener[];
  /** `per-request` where somebody behind it sees whose request it is. */
  readonly sessions: 'shared' | 'per-request';
}

/**
 * Makes an upstream ready; its certificates and keys are read here.
 * @throws {TunlError} usage
 */
export async function createUpstream(upstream: Upstream<RouteName>, parts: UpstreamParts): Promise<ReadyUpstream> {
  const { to, version, name } = upstream;
  const { route, sessions } = parts;
  const security = upstream.tls && (await createSecurity(upstream.tls));
  const places =
    'field' in to
      ? namedPlaces(to.field, pipe(withDialledPath(route), makeCheck(parts)))
      : fixedPlaces(to, withDialledPath({ ...route, dial: route.dialOnce }), route.retry);
  const secured = (alpn: readonly string[]) =>
    security ? secureUpstream(security, name, route, alpn)(places.dial) : places.dial;
  const alpn = version === 'http2' ? ['h2'] : ['http/1.1'];
  let forwarder: Promise<Forwarder> | undefined;
  const makeForwarder = async () => {
    const { createForwarder } = await import('../../router/forward.ts');
    const { handshakeMs } = route.options.limits;
    return createForwarder({ name, dial: secured(alpn), version, handshakeMs, sessions });
  };
  return {
    name,
    isChosen: 'field' in to,
    route,
    choose: places.choose,
    dial: secured([]),
    forwarder: () => (forwarder ??= makeForwarder()),
    reload: async () => security?.reload(),
    close: async () => (await forwarder)?.close(),
  };
}

type Places = Pick<ReadyUpstream, 'choose' | 'dial'>;

/** Those that are known: each request has its turn, and where its place is away it goes to the next. */
function fixedPlaces({ targets, balance: mode }: TargetChoice, dial: Dial, retry: Layer): Places {
  const dials = new Map(
    targets.map((target, index) => {
      const turned = [...targets.slice(index), ...targets.slice(0, index)];
      return [formatAddress(target), retry(balance(dial, turned, 'first'))] as const;
    }),
  );
  let turn = 0;
  return {
    choose: () => targets[mode === 'first' ? 0 : turn++ % targets.length] as Target,
    dial: (address, ctx) => (dials.get(formatAddress(address)) ?? dial)(address, ctx),
  };
}

/** The one that the request names: an IP address and a port, and never a name, as with ORIGINAL_DST of Envoy. */
function namedPlaces(field: string, dial: Dial): Places {
  return {
    dial,
    choose: (request) => {
      const [value = ''] = field === ':authority' ? [request.authority] : fieldValues(request.headers, field);
      const place = readPlace(value);
      if (place && isIP(place.host) !== 0) return place;
      const message = `the field ${field} of the request names no IP address and port`;
      throw new TunlError('destination_unavailable', message, { side: 'client', phase: 'request' });
    },
  };
}

/** A request that names us would loop. */
function makeCheck({ route, listeners }: UpstreamParts): Layer {
  const { hops, entry } = route.options;
  const ownAddresses = () => listeners().flatMap(placesOf);
  const policy = createPolicy({ allow: [], deny: [], base: 'allow-all', ownAddresses });
  return hops.length === 0 && !entry ? guard(policy, route.resolve) : guardText(policy);
}

function readPlace(value: string): TcpAddress | undefined {
  try {
    return parseAuthority(value);
  } catch {
    return undefined;
  }
}

/** The Stage that puts TLS on what leads to an upstream, offering these protocols. */
function secureUpstream(security: Security, name: string, { options }: Route, alpn: readonly string[]): Layer {
  const place = `upstream ${name}`;
  return secureEnd(security, {
    tlsMs: options.limits.tlsMs,
    describe: (address) => ({ host: address.kind === 'tcp' ? address.host : name, place, alpn }),
  });
}
