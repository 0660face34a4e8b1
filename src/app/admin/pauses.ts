import type { PauseCount } from '../../core/flow.ts';
import type { Tunnel } from '../tunnel/tunnels.ts';

/** The pauses of the clients of each stage, and of what comes from each upstream, by name. */
interface PauseSums {
  readonly stages: Map<string, PauseCount>;
  readonly upstreams: Map<string, PauseCount>;
  /** The pauses of the clients whose requests and tunnels go to each upstream. */
  readonly backedUp: Map<string, PauseCount>;
}

/** Counts how often back-pressure has paused the clients of stages and the upstreams that they lead to. */
export class PauseCounts {
  readonly #ended = makeSums();

  /** Keeps the pauses of a tunnel that is over. */
  leave(tunnel: Tunnel): void {
    addTunnel(this.#ended, tunnel);
  }

  /** Sums up the pauses of the tunnels that are over and of the live ones. */
  read(live: Iterable<Tunnel>): PauseSums {
    const sums = makeSums();
    for (const key of ['stages', 'upstreams', 'backedUp'] as const) {
      for (const [name, count] of this.#ended[key]) add(sums[key], name, count);
    }
    for (const tunnel of live) addTunnel(sums, tunnel);
    return sums;
  }
}

function makeSums(): PauseSums {
  return { stages: new Map(), upstreams: new Map(), backedUp: new Map() };
}

/** Adds the pauses of a tunnel to the stages that its own relay reaches; fused stages share it. */
function addTunnel(sums: PauseSums, { stages, depth, cluster, handle }: Tunnel): void {
  if (!handle) return;
  const { client, target } = handle.pauses;
  for (const [index, stage] of stages.slice(depth).entries()) {
    // Only the outermost of them may be an HTTP stage, with upstreams of their own names.
    const upstream = (index === 0 ? cluster : undefined) ?? stage;
    add(sums.stages, stage, client);
    add(sums.upstreams, upstream, target);
    add(sums.backedUp, upstream, client);
  }
}

function add(sums: Map<string, PauseCount>, name: string, { paused, resumed }: PauseCount): void {
  if (paused === 0) return;
  const before = sums.get(name) ?? { paused: 0, resumed: 0 };
  sums.set(name, { paused: before.paused + paused, resumed: before.resumed + resumed });
}
