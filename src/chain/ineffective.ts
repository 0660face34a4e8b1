import { type ChainStage, type Graph, listWays, type RouteOptions } from './model.ts';
import type { GraphFault } from './validate.ts';

/** Finds what a file may say, and what changes nothing when this version runs it. */
export function findIneffective({ stages }: Graph): GraphFault[] {
  return stages.flatMap((stage) => [
    ...(stage.accessLogs ? [say(stage, 'access-log', 'access-log')] : []),
    ...((stage.route.limits.lifetimeMs ?? 0) > 0 ? [say(stage, 'limits', 'lifetime')] : []),
    ...listWays(stage).flatMap(({ route, upstream }) =>
      findUnused(route).map(([part, what]) => say(stage, part, what, upstream)),
    ),
  ]);
}

function findUnused({ backOff, retryOn, hopBalance, hops }: RouteOptions): (readonly ['retry' | 'via', string])[] {
  return [
    ...(backOff ? [['retry', 'base'] as const] : []),
    ...(retryOn === 'any' ? [['retry', 'on: any'] as const] : []),
    ...(hopBalance === 'round-robin' ? [['via', 'balance: round-robin'] as const] : []),
    ...(hops.flat().some(({ formats }) => formats) ? [['via', 'formats'] as const] : []),
  ];
}

function say({ name }: ChainStage, part: GraphFault['part'], what: string, about?: object): GraphFault {
  return { stage: name, part, message: `${what} has no effect in this version`, ...(about && { about }) };
}
