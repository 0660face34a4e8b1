import { isIP } from 'node:net';
import {
  type FieldChoice,
  type RouteName,
  type Target,
  type TargetChoice,
  type Upstream,
} from '../../chain/model/graph.ts';
import { takesNames } from '../../chain/model/http.ts';
import { type Address, formatAddress, type TcpAddress } from '../../core/address.ts';
import { type Dial, pipe, type Layer } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import { balance } from '../../dial/balance.ts';
import { type Listener, placesOf } from '../../core/listener.ts';
import { parseAuthority, parseAuthorityOr } from '../../syntax/authority.ts';
import { fieldValues } from '../../http/wire/message.ts';
import { guard, guardText } from '../../policy/guard.ts';
import { createPolicy } from '../../policy/rules.ts';
import type { Head } from '../../router/rewrite.ts';
import type { RequestUpstream } from '../requests/http-request.ts';
import { Pool } from '../../core/pool.ts';
import type { Connection, Forwarder } from '../../router/forwarder.ts';
import type { TakePool } from '../kept-pools.ts';
import type { Route } from './route.ts';
import { createSecurity, secureEnd, type Security } from './security.ts';
import { withDialledPath } from './dialled-path.ts';

/** The parts of a request that may name an address. */
export type Asked = Pick<Head, 'authority' | 'headers'>;

/** An upstream of an HTTP stage, ready for requests and tunnels. */
export interface ReadyUpstream extends RequestUpstream {
  /** True if a field of the request names the address. */
  readonly isChosen: boolean;
  /** True if that address may have a name. */
  readonly takesNames: boolean;
  readonly route: Route;
  /**
   * Chooses the address that a request goes to.
   * @throws {TunlError} destination_unavailable, if the request must name it and does not
   */
  readonly choose: (request: Asked) => Address;
  /** Dials such an address for a tunnel, with TLS if the upstream uses it. */
  readonly dial: Dial;
  /**
   * Reads the certificates and keys of the upstream again.
   * @throws {TunlError} usage
   */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** The parts of an upstream that do not come from its own configuration. */
export interface UpstreamParts {
  readonly route: Route;
  /** The listeners of the whole graph; no request may name one of them. */
  readonly listeners: () => readonly Listener[];
  /** Finds the connections that an earlier generation has opened in the same way; absent if none are kept. */
  readonly takePool?: TakePool<Connection> | undefined;
  /** `per-request` if a stage behind the upstream sees the client of each request. */
  readonly sessions: 'shared' | 'per-request';
}

/**
 * Prepares an upstream and reads its certificates and keys.
 * @throws {TunlError} usage
 */
export async function createUpstream(upstream: Upstream<RouteName>, parts: UpstreamParts): Promise<ReadyUpstream> {
  const { to, version, name } = upstream;
  const { route, sessions } = parts;
  const security = upstream.tls && (await createSecurity(upstream.tls));
  const places =
    'field' in to
      ? namedPlaces(to, security ? 443 : 80, pipe(withDialledPath(route), makeCheck(parts)))
      : fixedPlaces(to, withDialledPath({ ...route, dial: route.dialOnce }), route.retry);
  const secured = (alpn: readonly string[]) =>
    security ? secureUpstream(security, name, route, alpn)(places.dial) : places.dial;
  const alpn = version === 'http2' ? ['h2'] : ['http/1.1'];
  const pool = takeConnections(upstream, parts, security);
  let forwarder: Promise<Forwarder> | undefined;
  const makeForwarder = async () => {
    const { createForwarder } = await import('../../router/forward.ts');
    const { handshakeMs } = route.options.limits;
    return createForwarder({ name, dial: secured(alpn), version, handshakeMs, sessions, ...(pool && { pool }) });
  };
  return {
    name,
    isChosen: 'field' in to,
    takesNames: takesNames(upstream),
    route,
    via: route.via,
    choose: places.choose,
    dial: secured([]),
    forwarder: () => (forwarder ??= makeForwarder()),
    reload: async () => security?.reload(),
    close: async () => (await forwarder)?.close(),
  };
}

/** Finds the connections that may be kept: none that end in a stage of this process. */
function takeConnections(
  { name, to, version, tls }: Upstream<RouteName>,
  { route, sessions, takePool }: UpstreamParts,
  security: Security | undefined,
): Pool<Connection> | undefined {
  const isInside = 'targets' in to && to.targets.some(({ kind }) => kind === 'internal');
  if (!takePool || isInside || sessions === 'per-request' || (security && security.digest === undefined))
    return undefined;
  const identity = { name, version, tls, files: security?.digest, hops: route.options.hops };
  return takePool(identity, () => new Pool(version === 'http2'));
}

type Places = Pick<ReadyUpstream, 'choose' | 'dial'>;

/** Distributes requests over fixed targets in turn; if a target is unreachable, the request goes to the next. */
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

/**
 * Takes the address from a field of the request: an IP address and a port, as with ORIGINAL_DST of Envoy, or also a name
 * and no port, as with a dynamic forward proxy of Envoy.
 */
function namedPlaces({ field, names }: FieldChoice, port: number, dial: Dial): Places {
  return {
    dial,
    choose: (request) => {
      const [value = ''] = field === ':authority' ? [request.authority] : fieldValues(request.headers, field);
      const place = readPlace(value, names ? port : undefined);
      if (place && (names || isIP(place.host) !== 0)) return place;
      const message = `the field ${field} of the request names no ${names ? 'host' : 'IP address and port'}`;
      throw new TunlError('destination_unavailable', message, { side: 'client', phase: 'request' });
    },
  };
}

/** Makes a check that refuses requests that name one of our own listeners, because they would loop. */
function makeCheck({ route, listeners }: UpstreamParts): Layer {
  const { hops, entry } = route.options;
  const ownAddresses = () => listeners().flatMap(placesOf);
  const policy = createPolicy({ allow: [], deny: [], base: 'allow-all', ownAddresses });
  if (hops.length === 0 && !entry) return guard(policy, route.resolve);
  return guardText(policy, route.resolve);
}

function readPlace(value: string, port: number | undefined): TcpAddress | undefined {
  try {
    return port === undefined ? parseAuthority(value) : parseAuthorityOr(value, port);
  } catch {
    return undefined;
  }
}

/** Makes the layer that adds TLS to the connections to an upstream and offers these protocols. */
function secureUpstream(security: Security, name: string, { options }: Route, alpn: readonly string[]): Layer {
  const place = `upstream ${name}`;
  return secureEnd(security, {
    tlsMs: options.limits.tlsMs,
    describe: (address) => ({ host: address.kind === 'tcp' ? address.host : name, place, alpn }),
  });
}
