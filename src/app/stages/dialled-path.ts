import type { TargetChoice } from '../../chain/model/graph.ts';
import type { Dial, DialContext, DialledPath, Layer } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import { balance } from '../../dial/balance.ts';
import { findHopScheme } from './hop.ts';
import type { Route } from './route.ts';

/** Makes a Dial that reports the path to its target, including fused stages; its failures tell of the hops that they took. */
export function withDialledPath({
  dial,
  via,
  startsInside,
  options,
}: Pick<Route, 'dial' | 'via' | 'startsInside' | 'options'>): Dial {
  const isFixed = hasFixedHops({ options });
  return async (address, ctx) => {
    const { onDialled } = ctx;
    if (!onDialled) return dial(address, ctx);
    let inner: DialledPath | undefined;
    const taken = isFixed ? undefined : new Map<number, string | undefined>();
    const onHop: DialContext['onHop'] = (place, name) => void taken?.set(place, name);
    // Through the hops of this route alone no stage inside has a path of its own.
    const isPlain = isFixed && !startsInside && address.kind !== 'internal';
    const own = isPlain
      ? ctx
      : { ...ctx, onDialled: (way: DialledPath) => void (inner = way), ...(taken && { onHop }) };
    try {
      const link = await dial(address, own);
      const hops = taken ? nameTaken(via, taken, startsInside ? 1 : 0) : via;
      const stages = inner?.stages ?? ctx.origin.stages ?? [];
      if (inner && !startsInside) onDialled({ ...inner, stages });
      // The route starts inside: the inner stages lead to its first hop, so their hops come before ours.
      else onDialled({ target: address, via: inner ? [...inner.via, ...hops.slice(1)] : hops, stages });
      return link;
    } catch (error) {
      throw error instanceof TunlError ? nameFailed(error, via, startsInside) : error;
    }
  };
}

/** True if all tunnels take the same hops in the same way: there are no alternatives, nothing chooses, and no modes race. */
export function hasFixedHops({ options: { hops } }: Pick<Route, 'options'>): boolean {
  return hops.every(
    ([hop, ...others]) => hop && others.length === 0 && !hop.chooser && !findHopScheme(hop).carrier.modes,
  );
}

/** Adds the hops to a failure: those that it took, or those of the inner stage that it comes from and then ours. */
function nameFailed(error: TunlError, via: readonly string[], startsInside: boolean): TunlError {
  const { taken, via: inner } = error.facts;
  if (inner) return startsInside ? error.withVia([...inner, ...via.slice(1)]) : error;
  return error.withVia(taken ? nameTaken(via, taken, startsInside ? 1 : 0) : via);
}

/** Puts the proxies that were taken in the places of alternatives and choosers, of which `before` are no hops. */
function nameTaken(
  via: readonly string[],
  taken: ReadonlyMap<number, string | undefined>,
  before: number,
): readonly string[] {
  return via.flatMap((name, at) => {
    const place = at - before + 1;
    if (!taken.has(place)) return [name];
    const proxy = taken.get(place);
    return proxy === undefined ? [] : [proxy];
  });
}

/**
 * Makes a Dial that leads through a route to one of several targets, chosen again for each attempt.
 * @param secure the layer that puts TLS on the connection to a target
 */
export function dialTargets(
  route: Route,
  { targets, balance: mode }: TargetChoice,
  secure: Layer = (next) => next,
): Dial {
  return route.retry(balance(withDialledPath({ ...route, dial: secure(route.dialOnce) }), targets, mode));
}
