import type { ChainStage } from '../chain/model.ts';

/** Names the clusters of the stages that have no upstreams: like the stage, where no upstream is called so. */
export class ClusterNames {
  readonly #taken: Set<string>;

  constructor(stages: readonly ChainStage[]) {
    this.#taken = new Set(
      stages.flatMap((stage) => (stage.job === 'http' ? stage.upstreams.map(({ name }) => name) : [])),
    );
  }

  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}-${count}`;
    this.#taken.add(name);
    return name;
  }
}
