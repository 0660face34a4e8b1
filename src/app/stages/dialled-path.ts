import type { TargetChoice } from '../../chain/model/graph.ts';
import type { Dial, DialledPath } from '../../core/dialer.ts';
import { balance } from '../../dial/balance.ts';
import type { Route } from './route.ts';

/** Makes a Dial that reports the path to its target, including fused stages. */
export function withDialledPath({ dial, via, startsInside }: Pick<Route, 'dial' | 'via' | 'startsInside'>): Dial {
  return async (address, ctx) => {
    const { onDialled } = ctx;
    if (!onDialled) return dial(address, ctx);
    let inner: DialledPath | undefined;
    const link = await dial(address, { ...ctx, onDialled: (way) => void (inner = way) });
    const stages = inner?.stages ?? ctx.origin.stages ?? [];
    if (inner && !startsInside) onDialled({ ...inner, stages });
    // The route starts inside: the inner stages lead to its first hop, so their hops come before ours.
    else onDialled({ target: address, via: inner ? [...inner.via, ...via.slice(1)] : via, stages });
    return link;
  };
}

/** Makes a Dial that leads through a route to one of several targets, chosen again for each attempt. */
export function dialTargets(route: Route, { targets, balance: mode }: TargetChoice): Dial {
  return route.retry(balance(withDialledPath({ ...route, dial: route.dialOnce }), targets, mode));
}
