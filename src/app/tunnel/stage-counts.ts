import type { Tunnels } from './tunnels.ts';

/** The open tunnels of a stage, and the bytes that they have carried. */
interface StageCounts {
  readonly tunnels: number;
  readonly sent: number;
  readonly received: number;
}

/** Counts the live tunnels of each stage and the bytes that they have carried, by the name of the stage. */
export function countStages(live: Tunnels): Map<string, StageCounts> {
  const counters = new Map<string, StageCounts>();
  for (const { stages, depth, handle } of live.all()) {
    for (const stage of stages.slice(depth)) {
      const { tunnels, sent, received } = counters.get(stage) ?? { tunnels: 0, sent: 0, received: 0 };
      counters.set(stage, {
        tunnels: tunnels + 1,
        sent: sent + (handle?.sent ?? 0),
        received: received + (handle?.received ?? 0),
      });
    }
  }
  return counters;
}
