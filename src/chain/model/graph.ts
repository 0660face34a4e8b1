import { formatAddress, type InternalAddress, type ListenAddress } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import type { KeyPassword } from '../../core/secret.ts';
import type { Caps } from '../../syntax/settings.ts';
import type { ProxyValues, Rules, StageValues } from '../../syntax/stage-settings.ts';
import type { ListenerTlsFiles } from '../../syntax/listener/tls.ts';
import { looksAtHello } from './chosen.ts';
import type { FieldChanges, Upstream, VirtualHost } from './http.ts';
import type { LogFilter, LogMoment } from './log-filter.ts';
import type { OwnAnswers } from './own-answers.ts';
import type { RouteName, RouteOptions, TargetChoice } from './route.ts';
import type { StateValue } from '../../syntax/format/state.ts';
import type { Screen } from './screen.ts';

export type * from './http.ts';
export type * from './route.ts';
export type * from './screen.ts';

/** The TLS settings of a stage's listener. Without `cert` and `key`, a development certificate is generated. */
export interface ListenerTls extends ListenerTlsFiles {
  readonly keyPasswordFile?: string;
  readonly keyPassword?: KeyPassword;
}

/** True if clients of a listener with this TLS must show a certificate of given authorities. */
export function demandsCertificate({ clientCa, clientCert, spiffe }: ListenerTls = {}): boolean {
  return spiffe !== undefined || (clientCa !== undefined && clientCert !== 'optional');
}

/** A log to which a stage writes a line for each tunnel or request that has ended. */
export interface AccessLog {
  /** A file, or `/dev/stdout` or `/dev/stderr`. */
  readonly path: string;
  /** A line with operators such as `%BYTES_SENT%`, or the members of a JSON object. Default: Envoy's format. */
  readonly format?: string | Readonly<Record<string, string>>;
  /** What is logged; everything without. */
  readonly when?: LogFilter;
  /** The moments at which a line is written, in their order; at the end only without. */
  readonly at?: readonly LogMoment[];
}

interface AnyStage<R> extends StageValues {
  readonly name: string;
  /** Addresses of the system, and names of internal listeners. */
  readonly listen: readonly (ListenAddress | InternalAddress)[];
  readonly tls?: ListenerTls;
  readonly route: R;
  /** Write a separate record for each tunnel, even if an outer stage writes one too. A proxy always does. */
  readonly log: boolean;
  readonly accessLogs?: readonly AccessLog[];
}

/** A stage that forwards the bytes it receives to a target, through hops. */
export interface ForwardStage<R = RouteOptions> extends AnyStage<R> {
  readonly job: 'forward';
  readonly to: TargetChoice;
  /** Present if TLS is spoken with the target, at the end of the way. */
  readonly targetTls?: TlsSettings;
  /** A text with operators that names the target of each connection, `HOST:PORT`; `to` has none then. */
  readonly targetFormat?: string;
  /** What connections must pass before anything is dialled for them. */
  readonly screens?: readonly Screen[];
  /** What each connection is given. */
  readonly state?: readonly StateValue[];
  /** Allow all clients to choose the target by what they ask for, even on an address that is not loopback. */
  readonly open?: boolean;
}

/** The access policy of a stage that speaks HTTP: its users, its rules for targets, and its caps. */
export interface StagePolicy extends Rules {
  readonly users: {
    readonly authFile?: string;
    readonly single?: { readonly user: string; readonly password: string };
  };
  /** Limits on concurrent tunnels and requests: in total, per client, and per HTTP/2 session. */
  readonly caps?: Caps;
}

/** True if clients must prove who they are by a user and a password. */
export function asksUsers({ users }: Partial<Pick<StagePolicy, 'users'>>): boolean {
  return users?.authFile !== undefined || users?.single !== undefined;
}

/** The targets of a proxy's clients that a pattern fits, and the route to them. */
export interface StageWay<R = RouteOptions> {
  /** A pattern of targets, as `allow` has it. */
  readonly pattern: string;
  readonly route: R;
  /** The rule as a phrase, for `-v`. */
  readonly rule: string;
}

/** A stage that terminates tunnels and relays their bytes to the requested target, or to a fixed one. */
export interface ProxyStage<R = RouteOptions> extends AnyStage<R>, StagePolicy, ProxyValues {
  readonly job: 'proxy';
  readonly to?: TargetChoice;
  /** The kind of front that its clients meet: `socks`, `http`, or `any` for both. Absent: HTTP, as for `http`. */
  readonly front?: string;
  /** The routes to some of the targets that clients name; the first that fits a target counts, and `route` if none does. */
  readonly ways?: readonly StageWay<R>[];
  /** `plain`, and names of the carriers' switches (`post`, …), which accept other requests besides CONNECT, or instead of it. */
  readonly accept: readonly string[];
}

/** A stage that routes each HTTP request it receives: it answers it, forwards it, or opens a tunnel for it. */
export interface HttpStage<R = RouteOptions> extends AnyStage<R>, Partial<StagePolicy> {
  readonly job: 'http';
  /** Always absent: requests go to the upstreams. */
  readonly to?: undefined;
  /** Only the limits are used, for connections from clients. The upstreams have their own routes with hops. */
  readonly route: R;
  /** `auto` accepts both versions and detects the version from ALPN or the first bytes. */
  readonly codec: 'auto' | 'http1' | 'http2';
  readonly hosts: readonly VirtualHost[];
  /** Compare the domains of hosts with requests as if these named no port. */
  readonly ignorePort?: boolean;
  /**
   * The port that is cut off the host of a request before anything sees it: every one, or the one that the client has
   * reached. The upstream of a CONNECT is told it.
   */
  readonly stripPort?: 'any' | 'reached';
  /** All upstreams that the routes name, and possibly more. */
  readonly upstreams: readonly Upstream<R>[];
  /** What connections must pass before a request is read. */
  readonly connectionScreens?: readonly Screen[];
  /** What requests must pass, unless their route has screens of its own. */
  readonly screens?: readonly Screen[];
  /** What each request is given. */
  readonly state?: readonly StateValue[];
  /** What is changed in requests that have a route, and in their answers, beside what hosts and routes change. */
  readonly changes?: FieldChanges;
  /** True for the changes of the stage first and those of the route last, so that these win; otherwise it is the reverse, as in Envoy. */
  readonly routesChangeLast?: true;
  /** What is changed in the answers of the stage itself. */
  readonly answers?: OwnAnswers;
  /** Allow all clients to choose the target of an upstream, even on an address that is not loopback. */
  readonly open?: boolean;
}

/**
 * A set of listeners with a job. Not to be confused with a Layer, which turns a Dial into a Dial. In a graph, a stage
 * refers to its routes by name (`R` is `RouteName`); `listStages` returns stages that contain the routes themselves.
 */
export type Stage<R = RouteOptions> = ForwardStage<R> | ProxyStage<R> | HttpStage<R>;

/** The configuration of a process: stages, connected through the names of their internal listeners. */
export interface Graph {
  /** The routes by name. Stages and upstreams refer to these names. */
  readonly routes: ReadonlyMap<RouteName, RouteOptions>;
  readonly stages: readonly Stage<RouteName>[];
  /** The listen address of the admin interface. */
  readonly admin?: ListenAddress;
  /** Allow an admin address that is not loopback, so that other machines can reach it. */
  readonly adminOpen?: boolean;
  /** The buffer size of an internal listener in each direction, in bytes. */
  readonly internalBufferBytes?: number;
}

/**
 * Lists the stages of a graph, with each route name replaced by the route itself.
 * @throws {TunlError} internal, if a name has no route; `findFaults` reports such names earlier
 */
export function listStages({ stages, routes }: Pick<Graph, 'stages' | 'routes'>): readonly Stage[] {
  const find = (name: RouteName): RouteOptions => {
    const route = routes.get(name);
    if (!route) throw new TunlError('internal', `there is no route ${name}`);
    return route;
  };
  return stages.map((stage) => {
    const route = find(stage.route);
    if (stage.job === 'forward') return { ...stage, route };
    if (stage.job === 'proxy') return mapRoutes(stage, find);
    const upstreams = stage.upstreams.map((upstream) => ({ ...upstream, route: find(upstream.route) }));
    return { ...stage, route, upstreams };
  });
}

/** Replaces the routes of a proxy, those of its ways included. */
export function mapRoutes<A, B>({ ways, ...stage }: ProxyStage<A>, toRoute: (route: A) => B): ProxyStage<B> {
  return {
    ...stage,
    route: toRoute(stage.route),
    ...(ways && { ways: ways.map((way) => ({ ...way, route: toRoute(way.route) })) }),
  };
}

/** A graph whose stages contain their routes instead of the names of routes. */
export interface PlainGraph extends Omit<Graph, 'stages' | 'routes'> {
  readonly stages: readonly Stage[];
}

/** Moves the routes of a graph into its stages, for output in formats that do not need the names of routes. */
export function toPlain(graph: Graph): PlainGraph {
  const { routes: _named, ...rest } = graph;
  return { ...rest, stages: listStages(graph) };
}

/** Lists the internal listeners that a stage dials, as entries or as targets. */
export function listInnerExits(stage: Stage): readonly InternalAddress[] {
  return listRoutesOut(stage).flatMap(({ to, route: { entry } }) => {
    const exits = to?.targets.filter((target) => target.kind === 'internal') ?? [];
    return entry ? [entry, ...exits] : exits;
  });
}

/** An exit of a stage: a route with its targets. */
export interface Exit {
  /** Absent if the request names the target. */
  readonly to?: TargetChoice;
  readonly route: RouteOptions;
  /** Present if TLS is spoken with the target. */
  readonly tls?: TlsSettings | undefined;
  /** The upstream that owns this exit; absent if the stage itself does. */
  readonly upstream?: Upstream;
  /** The pattern of the targets that take this exit, if it is not for all. */
  readonly pattern?: string;
}

/** Lists the exits of a stage: its own exit and those of its ways, or the exits of its upstreams in their order. */
export function listRoutesOut(stage: Stage): readonly Exit[] {
  if (stage.job !== 'http') {
    const isAsked = stage.job === 'forward' && stage.targetFormat !== undefined;
    const tls = stage.job === 'forward' ? stage.targetTls : undefined;
    const own = { route: stage.route, tls, ...(stage.to && !isAsked && { to: stage.to }) };
    const { ways = [] } = stage.job === 'proxy' ? stage : {};
    return [own, ...ways.map(({ route, pattern }) => ({ route, pattern }))];
  }
  return stage.upstreams.map((upstream) => {
    const { to, route, tls } = upstream;
    return 'field' in to ? { route, tls, upstream } : { to, route, tls, upstream };
  });
}

/** Writes an address of a stage for people, with the kind of its front before it: `socks:127.0.0.1:1080`. */
export function formatListener(stage: Stage, address: Stage['listen'][number]): string {
  const front = stage.job === 'proxy' && stage.front !== undefined ? `${stage.front}:` : '';
  return front + formatAddress(address);
}

/** Lists the names of the internal listeners of a stage. */
export function listNames(stage: Pick<Stage, 'listen'>): readonly string[] {
  return stage.listen.flatMap((address) => (address.kind === 'internal' ? [address.name] : []));
}

/**
 * True if a stage only dials and relays. An outer stage may then dial in its place, which saves the in-memory pair
 * and the second relay between them.
 */
export function isFusible(stage: Stage): boolean {
  if (stage.job !== 'forward' || stage.tls || stage.log || stage.accessLogs || stage.screens) return false;
  if (stage.acceptProxyProtocol || looksAtHello(stage)) return false;
  const { idleMs, lifetimeMs = 0 } = stage.route.limits;
  return idleMs === 0 && lifetimeMs === 0;
}

/** Lists all screens of a stage, those of its routes included. */
export function listScreens(stage: Stage<unknown>): readonly Screen[] {
  if (stage.job === 'proxy') return [];
  if (stage.job === 'forward') return stage.screens ?? [];
  const ofRoutes = stage.hosts.flatMap(({ routes }) => routes.flatMap(({ screens = [] }) => screens));
  return [...(stage.connectionScreens ?? []), ...(stage.screens ?? []), ...ofRoutes];
}
