import type { Graph } from './model.ts';
import type { GraphFault } from './validate.ts';

/** Finds what a file may say, and what changes nothing when this version runs it. */
export function findIneffective({ stages }: Graph): GraphFault[] {
  return stages.flatMap(({ name, accessLogs }) =>
    accessLogs
      ? [{ stage: name, part: 'access-log' as const, message: 'access-log has no effect in this version' }]
      : [],
  );
}
