import type { ForwardStage, Limits, RouteOptions, TargetChoice } from '../../chain/model/graph.ts';
import { collectLimits } from '../../syntax/settings.ts';
import { normaliseHops } from './normal-hop.ts';
import { isName } from './cluster.ts';
import type { FieldWriter } from './fields.ts';

/** Copies a route without the settings that apply only to whole tunnels, such as retries and the lifetime limit. */
export function toPlainRoute({ hops, entry, limits, family, hopBalance }: RouteOptions): RouteOptions {
  return {
    hops,
    limits: collectLimits('envoy', ({ field, isOptional }) => (isOptional ? undefined : limits[field])),
    ...(entry && { entry }),
    ...(family && { family }),
    ...(hopBalance && { hopBalance }),
  };
}

/** Normalises a forward stage: removes settings that have no effect in Envoy. */
export function normaliseForward(stage: Omit<ForwardStage, 'log'>, fields: FieldWriter): Omit<ForwardStage, 'log'> {
  const { to, route } = stage;
  const { hops, entry } = route;
  // Without hops no request names the target, so the entry stage receives the bytes and is the real target.
  if (entry && hops.length === 0) {
    const { entry: _entry, ...rest } = route;
    return { ...stage, to: { targets: [entry], balance: 'first' }, route: normaliseRoute(rest, false, fields) };
  }
  const [first] = hops;
  const dialled = entry ? [] : first ? first.map(({ address }) => address) : to.targets;
  return { ...stage, to: normaliseChoice(to), route: normaliseRoute(route, dialled.some(isName), fields) };
}

/** Normalises a choice of targets: a single target needs no balance. */
export function normaliseChoice({ targets, balance }: TargetChoice): TargetChoice {
  return { targets, balance: targets.length === 1 ? 'first' : balance };
}

/**
 * Normalises a route: removes settings that have no effect in Envoy.
 * @param isResolved true if a host that the route dials is a name
 */
export function normaliseRoute(route: RouteOptions, isResolved: boolean, fields: FieldWriter): RouteOptions {
  const { hops, entry, limits, family, retries = 0, backOff, retryOn, hopBalance } = route;
  return {
    hops: hops.map((choice) => normaliseHops(choice, entry !== undefined, fields)),
    limits: normaliseLimits(limits),
    ...(entry && { entry }),
    ...(family && isResolved && { family }),
    ...(retries > 0 && { retries, ...(backOff && { backOff }), ...(retryOn && { retryOn }) }),
    ...(hopBalance === 'round-robin' && hops.some(({ length }) => length > 1) && { hopBalance }),
  };
}

/** Keeps the limits that Envoy has, and resets the others to defaults. Envoy's `connect_timeout` includes TLS. */
function normaliseLimits(limits: Limits): Limits {
  return collectLimits('envoy', ({ field, notInEnvoy, isOptional }) => {
    if (field === 'tlsMs') return limits.connectMs;
    const isSaid = !notInEnvoy && !(isOptional && limits[field] === 0);
    return isSaid ? limits[field] : undefined;
  });
}
