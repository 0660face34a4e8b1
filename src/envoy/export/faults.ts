import { isIP } from 'node:net';
import {
  demandsCertificate,
  asksUsers,
  type Stage,
  type ForwardStage,
  type HopChoice,
  type HttpStage,
  type Limits,
  type PlainGraph,
  type RouteOptions,
  type Upstream,
} from '../../chain/model/graph.ts';
import { isChosenByName, tellsInside } from '../../chain/model/chosen.ts';
import { listAnswered, takesNames } from '../../chain/model/http.ts';
import { formatAddress, hostOf } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import { formatHop, type Hop, type TlsSettings } from '../../core/hop.ts';
import { isLoopback } from '../../core/ip.ts';
import { defaultLimits, limitSettings } from '../../syntax/settings.ts';
import { findInHeaders } from './listener.ts';
import { type Finding, findInChoice, findInPolicy, findInProxy } from './proxy-faults.ts';
import { findInScreens } from './rbac.ts';
import { findTerms } from '../schema/hop-terms.ts';

/** A feature of a graph that Envoy does not support. */
export interface Unexpressed {
  /** The stage that uses the feature; absent if it belongs to the whole graph. */
  readonly stage?: string;
  readonly message: string;
  readonly hint?: string;
}

type KeyOptions = Pick<TlsSettings, 'keyPasswordFile' | 'keyPassword'>;

/** Finds all features of a graph that Envoy does not support. */
export function findUnexpressed(graph: PlainGraph): Unexpressed[] {
  return [
    ...[...findInGraph(graph)].map(toUnexpressed),
    ...graph.stages.flatMap((stage) =>
      [...findInStage(stage)].map((finding) => ({ stage: stage.name, ...toUnexpressed(finding) })),
    ),
  ];
}

function toUnexpressed([message, hint]: Finding): Unexpressed {
  return { message, ...(hint !== undefined && { hint }) };
}

function* findInGraph({ admin, internalBufferBytes = 1024 }: PlainGraph): Generator<Finding> {
  if (admin?.kind === 'fd') yield [`admin: it opens its listeners itself, and ${formatAddress(admin)} is open already`];
  if (internalBufferBytes % 1024 !== 0 || internalBufferBytes > 8 * 1024 * 1024) {
    yield ['the buffers of its internal listeners hold 1 to 8192 whole KiB'];
  }
}

function* findInStage(stage: Stage): Generator<Finding> {
  yield* findInListener(stage);
  yield* findInScreens(stage);
  yield* findInHeaders(stage);
  yield* findInLimits(stage.route.limits);
  switch (stage.job) {
    case 'forward':
      yield* findInRoute(stage.route, stage.listen.every(({ kind }) => kind === 'tcp') ? 'client' : 'stage');
      yield* findInForward(stage);
      if (isChosenByName(stage)) yield* findExposed(stage);
      break;
    case 'proxy':
      yield* findInRoute(stage.route, 'stage');
      yield* findInProxy(stage);
      yield* findExposed(stage);
      break;
    case 'http':
      yield* findInPolicy(stage);
      yield* findInRoutes(stage);
      yield* findInAnswers(stage);
      if (stage.upstreams.some(({ to }) => 'field' in to) || tellsInside(stage)) yield* findExposed(stage);
      yield* findInFamilies(stage);
      for (const upstream of stage.upstreams) {
        const { name, to, route, tls = {} } = upstream;
        yield* findInTls(tls, name);
        if (takesNames(upstream) && [tls.servername, tls.pin, tls.insecure].some((setting) => setting !== undefined))
          yield [`it verifies the host that a request asks for, and ${name} has other settings`];
        yield* findInLimits(route.limits);
        yield* findInRoute(route, 'stage');
        if (!('field' in to)) yield* findInChoice(to);
        else if (route.hops.length > 0 || route.entry)
          yield [`it goes straight to what ${to.field} of a request names, and ${name} goes through others`];
        if ((route.retries ?? 0) > 0) yield ['it does not repeat what an HTTP client has asked for'];
      }
  }
}

/** Finds upstreams whose names would be looked up differently by the one filter of a listener that does so. */
function* findInFamilies({ upstreams }: HttpStage): Generator<Finding> {
  const asked = upstreams.filter(takesNames);
  const [first] = asked;
  const other = asked.find(({ route }) => route.family !== first?.route.family);
  if (!first || !other) return;
  yield [
    `it looks all names of requests up in one family of addresses, and ${first.name} and ${other.name} want different ones`,
    'give them the same family',
  ];
}

/** Finds stages that would be open proxies in Envoy. tunl refuses to start these unless `open` is set. */
function* findExposed(stage: Stage): Generator<Finding> {
  const { listen, tls, open = false } = stage;
  const exposed = listen.find((address) => address.kind === 'tcp' && !isLoopback(address));
  // Users are reported elsewhere, because Envoy does not support them.
  const hasUsers = stage.job !== 'forward' && asksUsers(stage);
  if (!exposed || open || hasUsers || demandsCertificate(tls)) return;
  yield [
    `everybody who reaches ${formatAddress(exposed)} could use it`,
    'say open if that is meant, or name a client-ca',
  ];
}

/** Finds routes that answer other changes of protocol than the others: Envoy has one list for all. */
function* findInAnswers({ hosts }: HttpStage): Generator<Finding> {
  const routes = hosts.flatMap((host) => host.routes);
  const all = listAnswered(routes);
  const other = routes.find(
    ({ action }) => action.kind === 'answer' && !action.redirect && (action.upgrades ?? []).length < all.length,
  );
  if (other) yield [`all routes that answer take the same changes of protocol, and not all take ${all.join(', ')}`];
}

/** Finds tunnel routes by path without a method. Envoy would forward other methods on such a route as requests. */
function* findInRoutes({ hosts, upstreams }: HttpStage): Generator<Finding> {
  for (const { match, action } of hosts.flatMap(({ routes }) => routes)) {
    const upstream = action.kind === 'answer' ? undefined : upstreams.find(({ name }) => name === action.upstream);
    if (action.kind !== 'answer' && action.rewrite?.hostOfTarget && upstream && !isTold(upstream)) {
      yield [`it knows no host of the target of ${upstream.name}`, 'write the host'];
    }
    if (action.kind !== 'tunnels' || match.path.kind === 'connect') continue;
    const method = match.fields.find(
      ({ name, value, invert }) => name === ':method' && value?.kind === 'exact' && !invert,
    );
    const name = method?.value?.value;
    if (name === 'CONNECT' || (name === 'POST' && action.post)) continue;
    yield [`by a path it ends tunnels of one method alone, and a route for ${match.path.value} names none`];
  }
}

/** True if the endpoints of an upstream's cluster are its targets, whose names can be sent. */
function isTold({ to, route }: Upstream): boolean {
  return !('field' in to) && route.hops.length === 0 && !route.entry;
}

function* findInListener({ listen, tls }: Stage): Generator<Finding> {
  for (const address of listen) {
    const name = formatAddress(address);
    if (address.kind === 'fd') yield [`it opens its listeners itself, and ${name} is open already`];
    if (address.kind === 'tcp' && !['*', 'localhost'].includes(address.host) && isIP(address.host) === 0) {
      yield [`it listens on addresses, and ${name} is a name`];
    }
  }
  if (tls) yield* findInKey(tls);
  if (tls?.spiffe !== undefined) yield ['it asks no SPIFFE agent by itself', 'write files: cert, key and client-ca'];
  else if (tls && tls.cert === undefined) yield ['it makes no development certificate', 'name one: cert and key'];
}

/** Finds limits that Envoy does not have. Those with their default value are not reported. */
function* findInLimits(limits: Limits): Generator<Finding> {
  for (const { key, field, notInEnvoy } of limitSettings) {
    // Envoy never delays a half-close, so it needs no limit for that.
    if (!notInEnvoy || field === 'halfCloseWaitMs') continue;
    const [ms = 0, usual = 0] = [limits[field], defaultLimits('forward')[field]];
    // Envoy's connect_timeout includes the TLS handshake.
    if (ms === usual || (field === 'tlsMs' && ms === limits.connectMs)) continue;
    yield [`it has no limit like ${key}: ${formatDuration(ms)}`, `leave it at ${formatDuration(usual)}`];
  }
}

/** The connection that Envoy sees where it opens a tunnel: from the first client, or from another stage. */
type Seen = 'client' | 'stage';

function* findInRoute({ hops, entry, resolver }: RouteOptions, seen: Seen): Generator<Finding> {
  if (resolver === 'system') yield ['it asks name servers, and not the system', 'leave resolver: system out'];
  const last = hops.length - 1;
  for (const [index, choice] of hops.entries()) {
    for (const hop of choice) {
      yield* findInHop(hop, index === last ? seen : 'stage');
      const asksWho = hop.formats?.some(([, value]) => /%(?:DOWNSTREAM_|FILTER_STATE|REQUESTED_)/.test(value)) === true;
      if (asksWho && index < last)
        yield [`it does not know whose tunnel it is at ${formatHop(hop)}, which is not the last`];
    }
  }
  const isMesh = hops.map((choice) => choice.every(({ scheme }) => findTerms(scheme)?.tunnel === 'mesh'));
  if (isMesh.some((is, index) => is && isMesh[index + 1])) {
    yield ['it does not ask two hbone:// in a row for the same target'];
  }
  for (const [index, choice] of hops.entries()) yield* findInPlace(choice, index > 0 || entry !== undefined);
}

function* findInPlace(choice: HopChoice, isInside: boolean): Generator<Finding> {
  const [first, ...others] = choice;
  if (!first || others.length === 0) return;
  const names = choice.map(formatHop).join('|');
  if (isInside) yield [`behind other proxies or stages it goes to one proxy, and ${names} are several`];
  if (others.some((hop) => !isAlike(hop, first))) yield [`it wants ${names} to differ in their addresses alone`];
}

/** True if two hops can be endpoints of the same cluster. */
function isAlike(hop: Hop, other: Hop): boolean {
  const describe = ({ scheme, credentials, tls, headers, formats = [], settings, address }: Hop) => {
    const terms = findTerms(scheme);
    const isNamed = terms?.isSecured && terms.tunnel !== 'mesh' && tls.servername === undefined;
    const login = credentials && [credentials.user, credentials.password.reveal()];
    return JSON.stringify([scheme, login, tls, headers, formats, settings, isNamed && hostOf(address)]);
  };
  return describe(hop) === describe(other);
}

function* findInHop(hop: Hop, seen: Seen): Generator<Finding> {
  const terms = findTerms(hop.scheme);
  const name = formatHop(hop);
  if (!terms) yield [`it does not speak ${name}`];
  else {
    const known = [...terms.settings, ...Object.keys(terms.fields)];
    const unknown = Object.keys(hop.settings).filter((key) => !known.includes(key));
    for (const key of unknown) yield [`it has nothing like ?${key}= of ${name}`];
  }
  yield* findInTls(hop.tls, name);
  if (hop.tls.alpn !== undefined) yield [`it has nothing like ?alpn= of ${name}`];
  if ([...hop.headers, ...(hop.formats ?? [])].some(([field]) => field.toLowerCase() === 'host')) {
    yield [`it sends the target of a tunnel as Host, and ${name} is to get another`];
  }
  if (terms?.tunnel !== 'mesh') return;
  const { peer, traceparent, forwarded } = hop.settings;
  if (peer === undefined) yield [`it must be told whom to expect at ${name}`, 'add ?peer=spiffe://…'];
  if (traceparent !== 'no') yield [`it makes up no traceparent for ${name}`, 'add ?traceparent=no'];
  if (forwarded !== 'no' && seen === 'stage') {
    yield [`it does not know the first client, whom ${name} is to be told`, 'add ?forwarded=no'];
  }
}

function* findInTls(
  { noSystemCa = false, cacert, pin, insecure = false, ...own }: TlsSettings,
  name: string,
): Generator<Finding> {
  const isVerified = cacert === undefined && pin === undefined && !insecure;
  yield* findInKey(own);
  if (noSystemCa && isVerified) yield [`it has no authorities of its own to verify ${name} by`, 'name some: cacert'];
}

function* findInKey({ keyPasswordFile, keyPassword }: KeyOptions): Generator<Finding> {
  if (keyPasswordFile === undefined && !keyPassword?.isGiven) return;
  yield ['the password of a key is not written into its file', 'take it off: openssl pkey -in FILE -out FILE'];
}

function* findInForward({ name, to, route, targetTls }: ForwardStage): Generator<Finding> {
  if (targetTls) {
    yield* findInTls(targetTls, name);
    const hosts = new Set(to.targets.map(hostOf));
    if (hosts.size > 1 && targetTls.servername === undefined)
      yield ['it sends and verifies one server name for all targets', 'name it: to-tls: { servername: NAME }'];
    if (route.hops.length > 0)
      yield [
        'it speaks TLS with a proxy or with a target, and not with a target behind a proxy',
        'give it a stage inside',
      ];
  }
  const { retries = 0, retryOn } = route;
  if (retries > 0 && retryOn !== 'any') {
    yield ['it dials again after every failure, not only after those that may pass', 'retry: { times: N, on: any }'];
  }
  if (route.hops.length > 0) {
    if (to.targets.length > 1) yield ['it asks a proxy for one target, and here are several'];
  } else if (!route.entry) yield* findInChoice(to);
}
