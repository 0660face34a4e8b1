import { isIPv6 } from 'node:net';
import { isChosenByName } from '../../../chain/model/chosen.ts';
import type { ForwardStage, Limits, RouteOptions, Target, TargetChoice } from '../../../chain/model/graph.ts';
import { hostOf } from '../../../core/address.ts';
import type { StateValue } from '../../../syntax/format/state.ts';
import { collectLimits } from '../../../syntax/settings.ts';
import { normaliseHops, normaliseTargetTls } from './hop.ts';
import { isName } from '../cluster.ts';
import type { FieldWriter } from '../fields.ts';

/** Copies a route without the settings that apply only to whole tunnels, such as retries and the lifetime limit. */
export function toPlainRoute(route: RouteOptions): RouteOptions {
  const { hops, entry, limits, family, hopBalance, sourceAddress, sendProxyProtocol } = route;
  return {
    hops,
    limits: collectLimits('envoy', ({ field, isOptional }) => (isOptional ? undefined : limits[field])),
    ...(entry && { entry }),
    ...(family && { family }),
    ...(sourceAddress !== undefined && { sourceAddress }),
    ...(sendProxyProtocol && { sendProxyProtocol }),
    ...(hopBalance && { hopBalance }),
  };
}

/** Normalises a forward stage: removes settings that have no effect in Envoy. */
export function normaliseForward(stage: Omit<ForwardStage, 'log'>, fields: FieldWriter): Omit<ForwardStage, 'log'> {
  const { open: _open, state, targetTls, ...others } = stage;
  const { to, route } = stage;
  const { hops, entry } = route;
  // Envoy lets all clients choose the target.
  const isInside = (entry ?? to.targets.find(({ kind }) => kind === 'internal')) !== undefined;
  const own = { ...others, ...(isChosenByName(stage) && { open: true }), ...normaliseState(state, isInside) };
  // Without hops no request names the target, so the entry stage receives the bytes and is the real target.
  if (entry && hops.length === 0) {
    const { entry: _entry, ...rest } = route;
    const host = hostOf(to.targets[0] ?? entry);
    const named = targetTls && { ...(host !== undefined && { servername: host }), ...targetTls };
    return {
      ...own,
      to: { targets: [entry], balance: 'first' },
      ...(named && { targetTls: normaliseTargetTls(named, [entry]) }),
      route: normaliseRoute(rest, [entry], fields),
    };
  }
  const [first] = hops;
  const dialled = entry ? [] : first ? first.map(({ address }) => address) : to.targets;
  const secured = targetTls && { targetTls: normaliseTargetTls(targetTls, to.targets) };
  return { ...own, ...secured, to: normaliseChoice(to), route: normaliseRoute(route, dialled, fields) };
}

/** Shares the values of a stage only if it leads to others inside. */
export function normaliseState(
  state: ForwardStage['state'] = [],
  isInside: boolean,
): { readonly state?: readonly StateValue[] } {
  if (state.length === 0) return {};
  return { state: isInside ? state : state.map(({ share: _unseen, ...value }) => value) };
}

/** Normalises a choice of targets: a single target needs no balance. */
export function normaliseChoice({ targets, balance }: TargetChoice): TargetChoice {
  return { targets, balance: targets.length === 1 ? 'first' : balance };
}

/**
 * Normalises a route: removes settings that have no effect in Envoy.
 * @param dialled the addresses that the route dials, or `any` if requests name them
 */
export function normaliseRoute(
  route: RouteOptions,
  dialled: readonly Target[] | 'any',
  fields: FieldWriter,
): RouteOptions {
  const { hops, entry, limits, retries = 0, backOff, retryOn, hopBalance, sourceAddress, sendProxyProtocol } = route;
  const isResolved = dialled === 'any' || dialled.some(isName);
  const isOpened = dialled === 'any' || dialled.some(({ kind }) => kind === 'tcp');
  // Envoy would also try the addresses that it cannot reach from the source.
  const family = route.family ?? familyOf(sourceAddress);
  return {
    hops: hops.map((choice) => normaliseHops(choice, entry !== undefined, fields)),
    limits: normaliseLimits(limits),
    ...(entry && { entry }),
    ...(family && isResolved && { family }),
    ...(sourceAddress !== undefined && isOpened && { sourceAddress }),
    ...(sendProxyProtocol && { sendProxyProtocol }),
    ...(retries > 0 && { retries, ...(backOff && { backOff }), ...(retryOn && { retryOn }) }),
    ...(hopBalance === 'round-robin' && hops.some(({ length }) => length > 1) && { hopBalance }),
  };
}

function familyOf(address: string | undefined): 4 | 6 | undefined {
  if (address === undefined) return undefined;
  return isIPv6(address) ? 6 : 4;
}

/** Keeps the limits that Envoy has, and resets the others to defaults. Envoy's `connect_timeout` includes TLS. */
function normaliseLimits(limits: Limits): Limits {
  return collectLimits('envoy', ({ field, notInEnvoy, isOptional }) => {
    if (field === 'tlsMs') return limits.connectMs;
    const isSaid = !notInEnvoy && !(isOptional && limits[field] === 0);
    return isSaid ? limits[field] : undefined;
  });
}
