import type { TargetChoice } from '../../chain/model/graph.ts';
import type { Dial, DialledPath } from '../../core/dialer.ts';
import { balance } from '../../dial/balance.ts';
import type { Route } from './route.ts';

/** The Dial of a stage's route that tells by which way it led to its target, through fused stages too. */
export function withDialledPath({ dial, via, startsInside }: Pick<Route, 'dial' | 'via' | 'startsInside'>): Dial {
  return async (address, ctx) => {
    const { onDialled } = ctx;
    if (!onDialled) return dial(address, ctx);
    let inner: DialledPath | undefined;
    const link = await dial(address, { ...ctx, onDialled: (way) => void (inner = way) });
    const stages = inner?.stages ?? ctx.origin.stages ?? [];
    if (inner && !startsInside) onDialled({ ...inner, stages });
    // What the inner stages lead to is the first hop then, and their hops come before ours.
    else onDialled({ target: address, via: inner ? [...inner.via, ...via.slice(1)] : via, stages });
    return link;
  };
}

/** The Dial that leads through a route to one of several targets, chosen anew with each try. */
export function dialTargets(route: Route, { targets, balance: mode }: TargetChoice): Dial {
  return route.retry(balance(withDialledPath({ ...route, dial: route.dialOnce }), targets, mode));
}
