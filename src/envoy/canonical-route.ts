import type {
  ChainStage,
  ForwardStage,
  HttpStage,
  Limits,
  RouteOptions,
  TargetChoice,
  Upstream,
} from '../chain/model.ts';
import { tidyHops, tidyTargetTls } from './canonical-hop.ts';
import { isName } from './export-cluster.ts';
import type { FieldWriter } from './export-fields.ts';

/** A route without what is for the whole way: retries, and how long a tunnel may live. */
export function toPlainRoute({ hops, entry, limits, family, hopBalance }: RouteOptions): RouteOptions {
  const { lifetimeMs: _lifetime, ...others } = limits;
  return {
    hops,
    limits: others,
    ...(entry && { entry }),
    ...(family && { family }),
    ...(hopBalance && { hopBalance }),
  };
}

/** A stage without what goes without saying, and with what Envoy must be told. */
export function tidyStage(stage: ChainStage, fields: FieldWriter): ChainStage {
  const { log, accessLogs = [], tls, ...others } = stage;
  const logs = log ? [...accessLogs, { path: '/dev/stderr' }] : accessLogs;
  const common = {
    log: false,
    ...(logs.length > 0 && { accessLogs: logs }),
    ...(tls && { tls: { ...tls, ...(tls.cert !== undefined && { key: tls.key ?? tls.cert }) } }),
  };
  switch (others.job) {
    case 'forward':
      return { ...tidyForward(others, fields), ...common };
    case 'proxy':
      return { ...others, route: tidyRoute(others.route, false, fields), ...common };
    case 'http':
      return { ...tidyHttp(others, fields), ...common };
  }
}

function tidyForward(stage: Omit<ForwardStage, 'log'>, fields: FieldWriter): Omit<ForwardStage, 'log'> {
  const { to, route } = stage;
  const { hops, entry } = route;
  // Without hops nobody is asked for a target: all that is sent goes to the stage.
  if (entry && hops.length === 0) {
    const { entry: _entry, ...rest } = route;
    return { ...stage, to: { targets: [entry], balance: 'first' }, route: tidyRoute(rest, false, fields) };
  }
  const [first] = hops;
  const dialled = entry ? [] : first ? first.map(({ address }) => address) : to.targets;
  return { ...stage, to: tidyChoice(to), route: tidyRoute(route, dialled.some(isName), fields) };
}

function tidyHttp(stage: Omit<HttpStage, 'log'>, fields: FieldWriter): Omit<HttpStage, 'log'> {
  const named = stage.hosts
    .flatMap(({ routes }) => routes)
    .flatMap(({ action }) => (action.kind === 'answer' ? [] : [action.upstream]));
  const upstreams = [...new Set(named)].flatMap(
    (name) => stage.upstreams.find((upstream) => upstream.name === name) ?? [],
  );
  return {
    ...stage,
    route: tidyRoute(stage.route, false, fields),
    upstreams: upstreams.map((upstream) => tidyUpstream(upstream, fields)),
  };
}

function tidyUpstream(upstream: Upstream, fields: FieldWriter): Upstream {
  const { to, route, tls } = upstream;
  const { entry: _entry, ...rest } = toPlainRoute(route);
  const isResolved = !('field' in to) && to.targets.some(isName);
  return {
    ...upstream,
    to: 'field' in to ? to : tidyChoice(to),
    route: { ...tidyRoute(rest, isResolved, fields), hops: [] },
    ...(tls && { tls: tidyTargetTls(tls, 'field' in to ? [] : to.targets) }),
  };
}

function tidyChoice({ targets, balance }: TargetChoice): TargetChoice {
  return { targets, balance: targets.length === 1 ? 'first' : balance };
}

function tidyRoute(route: RouteOptions, isResolved: boolean, fields: FieldWriter): RouteOptions {
  const { hops, entry, limits, family, retries = 0, backOff, retryOn, hopBalance } = route;
  return {
    hops: hops.map((choice) => tidyHops(choice, entry !== undefined, fields)),
    limits: tidyLimits(limits),
    ...(entry && { entry }),
    ...(family && isResolved && { family }),
    ...(retries > 0 && { retries, ...(backOff && { backOff }), ...(retryOn && { retryOn }) }),
    ...(hopBalance === 'round-robin' && hops.some(({ length }) => length > 1) && { hopBalance }),
  };
}

/** Of ours that Envoy has not, the usual ones; its `connect_timeout` is for TLS too. */
function tidyLimits({ lifetimeMs = 0, connectMs, idleMs }: Limits): Limits {
  return {
    dnsMs: 5000,
    connectMs,
    tlsMs: connectMs,
    handshakeMs: 15_000,
    idleMs,
    lingerMs: 60_000,
    ...(lifetimeMs > 0 && { lifetimeMs }),
  };
}
