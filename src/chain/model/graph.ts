import type { InternalAddress, ListenAddress } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import type { KeyPassword } from '../../core/secret.ts';
import type { Caps } from '../../syntax/settings.ts';
import type { Upstream, VirtualHost } from './http.ts';
import type { RouteName, RouteOptions, TargetChoice } from './route.ts';

export type * from './http.ts';
export type * from './route.ts';

/** TLS of a stage's listener. Without `cert` and `key` a development certificate is made. */
export interface ListenerTls {
  readonly cert?: string;
  readonly key?: string;
  readonly keyPasswordFile?: string;
  readonly keyPassword?: KeyPassword;
  readonly clientCa?: string;
}

/** Where a stage writes a line for each tunnel or request that has ended. */
export interface AccessLog {
  /** A file, or `/dev/stdout` or `/dev/stderr`. */
  readonly path: string;
  /** A line with operators such as `%BYTES_SENT%`, or the members of a JSON object; that of Envoy where absent. */
  readonly format?: string | Readonly<Record<string, string>>;
}

interface AnyStage<R> {
  readonly name: string;
  /** Each may be an address of the system or the name of an internal listener. */
  readonly listen: readonly (ListenAddress | InternalAddress)[];
  readonly tls?: ListenerTls;
  readonly route: R;
  /** Write a record of its own for each tunnel, also where an outer stage writes one. A proxy always does. */
  readonly log: boolean;
  readonly accessLogs?: readonly AccessLog[];
}

/** Bytes that arrive go to a target, through hops. */
export interface ForwardStage<R = RouteOptions> extends AnyStage<R> {
  readonly job: 'forward';
  readonly to: TargetChoice;
}

/** Who may use a stage that speaks HTTP, what for, and how much at a time. */
export interface StagePolicy {
  readonly users: {
    readonly authFile?: string;
    readonly single?: { readonly user: string; readonly password: string };
  };
  /** Rules about what may be asked for. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** How many tunnels and requests there may be at a time: in all, of one client, in one HTTP/2 session. */
  readonly caps?: Caps;
}

/** Tunnels that arrive are ended here and go on to what they asked for, or to one place. */
export interface ProxyStage<R = RouteOptions> extends AnyStage<R>, StagePolicy {
  readonly job: 'proxy';
  readonly to?: TargetChoice;
  /** Names of the carriers' switches (`post`, …): what is accepted beside CONNECT, or instead of it. */
  readonly accept: readonly string[];
  /** Serve without authentication on an address that is not loopback. */
  readonly open: boolean;
  /** Tell each target who the client is, before the first byte. */
  readonly proxyProtocol?: 'v1' | 'v2';
  /** Refuse with the statuses that Envoy has; with those of `serve` where absent. */
  readonly statuses?: 'envoy';
}

/** HTTP requests that arrive are looked at one by one: each is answered, goes on, or opens a tunnel. */
export interface HttpStage<R = RouteOptions> extends AnyStage<R>, Partial<StagePolicy> {
  readonly job: 'http';
  /** It leads to its upstreams. */
  readonly to?: undefined;
  /** Its hops are not used: the upstreams have routes of their own. Its limits are those of the clients. */
  readonly route: R;
  /** `auto`: both, told apart by ALPN or the first bytes. */
  readonly codec: 'auto' | 'http1' | 'http2';
  readonly hosts: readonly VirtualHost[];
  /** At least those that the routes name. */
  readonly upstreams: readonly Upstream<R>[];
  /** Let everyone choose where an upstream leads to, also on an address that is not loopback. */
  readonly open?: boolean;
}

/**
 * One listener with a job. Not to be confused with a Stage, which turns a Dial into a Dial. In a graph it names its
 * routes (`R` is `RouteName`); who looks at one stage after the other has them in place.
 */
export type Stage<R = RouteOptions> = ForwardStage<R> | ProxyStage<R> | HttpStage<R>;

/** Everything that one process does: stages, joined by the names of their internal listeners. */
export interface Graph {
  /** The routes that stages and upstreams refer to, by name. */
  readonly routes: ReadonlyMap<RouteName, RouteOptions>;
  readonly stages: readonly Stage<RouteName>[];
  /** Where the process tells of itself. */
  readonly admin?: ListenAddress;
  /** Others may reach it too: that its address is not loopback is meant. */
  readonly adminOpen?: boolean;
  /** How much an internal listener holds in each direction, in bytes. */
  readonly internalBufferBytes?: number;
}

/**
 * The stages of a graph with their routes in place.
 * @throws {TunlError} internal, for a name that no route has: `findFaults` tells of those before
 */
export function listStages({ stages, routes }: Pick<Graph, 'stages' | 'routes'>): readonly Stage[] {
  const find = (name: RouteName): RouteOptions => {
    const route = routes.get(name);
    if (!route) throw new TunlError('internal', `there is no route ${name}`);
    return route;
  };
  return stages.map((stage) => {
    const route = find(stage.route);
    if (stage.job !== 'http') return { ...stage, route };
    const upstreams = stage.upstreams.map((upstream) => ({ ...upstream, route: find(upstream.route) }));
    return { ...stage, route, upstreams };
  });
}

/** A graph whose stages have their routes in place. */
export interface PlainGraph extends Omit<Graph, 'stages' | 'routes'> {
  readonly stages: readonly Stage[];
}

/** Puts the routes of a graph into its stages: who writes it for others has no use for their names. */
export function toPlain(graph: Graph): PlainGraph {
  const { routes: _named, ...rest } = graph;
  return { ...rest, stages: listStages(graph) };
}

/** The internal stages that a stage leads into. */
export function listInnerExits(stage: Stage): readonly InternalAddress[] {
  return listRoutesOut(stage).flatMap(({ to, route: { entry } }) => {
    const exits = to?.targets.filter((target) => target.kind === 'internal') ?? [];
    return entry ? [entry, ...exits] : exits;
  });
}

/** A way out of a stage. */
export interface Exit {
  /** Absent: it leads to what is asked for. */
  readonly to?: TargetChoice;
  readonly route: RouteOptions;
  /** Whose way it is; absent where it is that of the stage itself. */
  readonly upstream?: Upstream;
}

/** The ways out of a stage: its own, or those of its upstreams, in their order. */
export function listRoutesOut(stage: Stage): readonly Exit[] {
  if (stage.job !== 'http') return [{ route: stage.route, ...(stage.to && { to: stage.to }) }];
  return stage.upstreams.map((upstream) => {
    const { to, route } = upstream;
    return 'field' in to ? { route, upstream } : { to, route, upstream };
  });
}

/** The names under which a stage can be reached inside the process. */
export function listNames(stage: Pick<Stage, 'listen'>): readonly string[] {
  return stage.listen.flatMap((address) => (address.kind === 'internal' ? [address.name] : []));
}

/**
 * True where a stage does nothing but dial and relay, so that an outer stage may dial for it: then no pair
 * in memory and no second relay lie between the two.
 */
export function isFusible(stage: Stage): boolean {
  if (stage.job !== 'forward' || stage.tls || stage.log || stage.accessLogs) return false;
  const { idleMs, lifetimeMs = 0 } = stage.route.limits;
  return idleMs === 0 && lifetimeMs === 0;
}
