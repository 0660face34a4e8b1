import { type ChainStage, type Graph, listWays, type RouteOptions } from './model.ts';
import type { GraphFault } from './validate.ts';

/** Finds what a file may say, and what changes nothing when this version runs it. */
export function findIneffective({ stages }: Graph): GraphFault[] {
  return stages.flatMap((stage) => [
    ...(stage.accessLogs ? [say(stage, 'access-log', 'access-log')] : []),
    ...listWays(stage).flatMap(({ route, upstream }) =>
      findUnused(route).map(([part, what]) => say(stage, part, what, upstream)),
    ),
  ]);
}

function findUnused({ hops }: RouteOptions): (readonly ['via', string])[] {
  return hops.flat().some(({ formats }) => formats) ? [['via', 'formats']] : [];
}

function say({ name }: ChainStage, part: GraphFault['part'], what: string, about?: object): GraphFault {
  return { stage: name, part, message: `${what} has no effect in this version`, ...(about && { about }) };
}
