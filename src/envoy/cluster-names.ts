import type { ChainStage } from '../chain/model.ts';
import type { ClusterPlan } from './export-cluster.ts';

/**
 * Names the clusters of the stages that have no upstreams: like the stage, where nothing else is called so. Stages whose
 * way out is the same share a cluster, and with it the sessions with their hop.
 */
export class ClusterNames {
  readonly #taken: Set<string>;
  readonly #shared = new Map<string, string>();

  constructor(stages: readonly ChainStage[]) {
    this.#taken = new Set(
      stages.flatMap((stage) => (stage.job === 'http' ? stage.upstreams.map(({ name }) => name) : [])),
    );
  }

  /** The name of a stage's own cluster. */
  take(stage: string): string {
    let name = stage;
    for (let count = 2; this.#taken.has(name); count++) name = `${stage}-${count}`;
    this.#taken.add(name);
    return name;
  }

  /** The name of the cluster for all stages with this way out. */
  share(stage: string, plan: Omit<ClusterPlan, 'name'>): string {
    const key = JSON.stringify(plan);
    const name = this.#shared.get(key) ?? this.take(stage);
    this.#shared.set(key, name);
    return name;
  }
}
