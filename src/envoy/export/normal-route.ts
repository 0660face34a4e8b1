import type { ForwardStage, Limits, RouteOptions, TargetChoice } from '../../chain/model/graph.ts';
import { collectLimits } from '../../syntax/settings.ts';
import { normaliseHops } from './normal-hop.ts';
import { isName } from './cluster.ts';
import type { FieldWriter } from './fields.ts';

/** A route without what is for the whole way: retries, and how long a tunnel may live. */
export function toPlainRoute({ hops, entry, limits, family, hopBalance }: RouteOptions): RouteOptions {
  return {
    hops,
    limits: collectLimits('envoy', ({ field, isOptional }) => (isOptional ? undefined : limits[field])),
    ...(entry && { entry }),
    ...(family && { family }),
    ...(hopBalance && { hopBalance }),
  };
}

/** A stage that forwards, without what makes no difference to Envoy. */
export function normaliseForward(stage: Omit<ForwardStage, 'log'>, fields: FieldWriter): Omit<ForwardStage, 'log'> {
  const { to, route } = stage;
  const { hops, entry } = route;
  // Without hops nobody is asked for a target: all that is sent goes to the stage.
  if (entry && hops.length === 0) {
    const { entry: _entry, ...rest } = route;
    return { ...stage, to: { targets: [entry], balance: 'first' }, route: normaliseRoute(rest, false, fields) };
  }
  const [first] = hops;
  const dialled = entry ? [] : first ? first.map(({ address }) => address) : to.targets;
  return { ...stage, to: normaliseChoice(to), route: normaliseRoute(route, dialled.some(isName), fields) };
}

/** Places, of which one needs no choice. */
export function normaliseChoice({ targets, balance }: TargetChoice): TargetChoice {
  return { targets, balance: targets.length === 1 ? 'first' : balance };
}

/** A route without what makes no difference to Envoy. */
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

/** Those that Envoy has as they are, and the usual ones for the others; its `connect_timeout` is for TLS too. */
function normaliseLimits(limits: Limits): Limits {
  return collectLimits('envoy', ({ field, notInEnvoy, isOptional }) => {
    if (field === 'tlsMs') return limits.connectMs;
    const isSaid = !notInEnvoy && !(isOptional && limits[field] === 0);
    return isSaid ? limits[field] : undefined;
  });
}
