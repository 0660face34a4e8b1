import type {
  ChainStage,
  ForwardStage,
  HopChoice,
  HttpStage,
  Limits,
  RouteOptions,
  TargetChoice,
  Upstream,
} from '../chain/model.ts';
import type { Hop } from '../core/hop.ts';
import { isName } from './export-cluster.ts';
import { systemAuthorities } from './export-tls.ts';

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
export function tidyStage(stage: ChainStage): ChainStage {
  const { log, accessLogs = [], tls, ...others } = stage;
  const logs = log ? [...accessLogs, { path: '/dev/stderr' }] : accessLogs;
  const common = {
    log: false,
    ...(logs.length > 0 && { accessLogs: logs }),
    ...(tls && { tls: { ...tls, ...(tls.cert !== undefined && { key: tls.key ?? tls.cert }) } }),
  };
  switch (others.job) {
    case 'forward':
      return { ...tidyForward(others), ...common };
    case 'proxy':
      return { ...others, route: tidyRoute(others.route, false), ...common };
    case 'http':
      return { ...tidyHttp(others), ...common };
  }
}

function tidyForward(stage: Omit<ForwardStage, 'log'>): Omit<ForwardStage, 'log'> {
  const { to, route } = stage;
  const { hops, entry } = route;
  // Without hops nobody is asked for a target: all that is sent goes to the stage.
  if (entry && hops.length === 0) {
    const { entry: _entry, ...rest } = route;
    return { ...stage, to: { targets: [entry], balance: 'first' }, route: tidyRoute(rest, false) };
  }
  const [first] = hops;
  const dialled = entry ? [] : first ? first.map(({ address }) => address) : to.targets;
  return { ...stage, to: tidyChoice(to), route: tidyRoute(route, dialled.some(isName)) };
}

function tidyHttp(stage: Omit<HttpStage, 'log'>): Omit<HttpStage, 'log'> {
  const named = stage.hosts
    .flatMap(({ routes }) => routes)
    .flatMap(({ action }) => (action.kind === 'answer' ? [] : [action.upstream]));
  const upstreams = [...new Set(named)].flatMap(
    (name) => stage.upstreams.find((upstream) => upstream.name === name) ?? [],
  );
  return { ...stage, route: tidyRoute(stage.route, false), upstreams: upstreams.map(tidyUpstream) };
}

function tidyUpstream(upstream: Upstream): Upstream {
  const { to, route, tls } = upstream;
  const { entry: _entry, ...rest } = toPlainRoute(route);
  const isResolved = !('field' in to) && to.targets.some(isName);
  return {
    ...upstream,
    to: 'field' in to ? to : tidyChoice(to),
    route: { ...tidyRoute(rest, isResolved), hops: [] },
    ...(tls && { tls: tidyTls(tls) }),
  };
}

function tidyChoice({ targets, balance }: TargetChoice): TargetChoice {
  return { targets, balance: targets.length === 1 ? 'first' : balance };
}

function tidyRoute(route: RouteOptions, isResolved: boolean): RouteOptions {
  const { hops, entry, limits, family, retries = 0, backOff, retryOn, hopBalance } = route;
  return {
    hops: hops.map(tidyHops),
    limits: tidyLimits(limits),
    ...(entry && { entry }),
    ...(family && isResolved && { family }),
    ...(retries > 0 && { retries, ...(backOff && { backOff }), ...(retryOn && { retryOn }) }),
    ...(hopBalance && hops.some(({ length }) => length > 1) && { hopBalance }),
  };
}

function tidyLimits({ lifetimeMs = 0, ...limits }: Limits): Limits {
  return { ...limits, ...(lifetimeMs > 0 && { lifetimeMs }) };
}

function tidyHops(choice: HopChoice): HopChoice {
  return choice.map(({ variable: _variable, formats = [], tls, ...hop }) => ({
    ...hop,
    tls: isSecured(hop) ? tidyTls(tls) : {},
    ...(formats.length > 0 && { formats }),
  }));
}

/** True for a hop that is spoken to in TLS. */
export function isSecured({ scheme }: Pick<Hop, 'scheme'>): boolean {
  return scheme === 'hbone' || /^(?:post\+)?(?:https|h2)$/.test(scheme);
}

function tidyTls({ insecure, pin, cacert, ...tls }: Hop['tls']): Hop['tls'] {
  if (pin !== undefined) return { ...tls, pin };
  if (insecure) return { ...tls, insecure };
  return { ...tls, cacert: cacert ?? systemAuthorities };
}
