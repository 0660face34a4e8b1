import { findChosenInside, findInside } from '../../chain/check/inside.ts';
import { type Graph, listNames, listStages, type Stage } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { isLoopback } from '../../core/ip.ts';
import { assertChoiceNotOpen } from '../../policy/exposure.ts';
import type { ReadyStage } from '../stages/stage.ts';

/** Knows which stages the clients of other machines reach through internal listeners: they are as exposed as the stage outside. */
export class InsideGuard {
  readonly #stages: readonly Stage[];
  readonly #byName: ReadonlyMap<string, Stage>;
  readonly #exposed = new Set<string>();

  constructor(graph: Graph) {
    this.#stages = listStages(graph);
    this.#byName = new Map(this.#stages.flatMap((stage) => listNames(stage).map((name) => [name, stage] as const)));
  }

  /** True if other machines reach the stage through the listeners that other stages have bound so far. */
  isExposed(stage: string): boolean {
    return this.#exposed.has(stage);
  }

  /**
   * Adds a check to a stage before it listens. The check is made at once as far as the text of the addresses allows, and
   * again with each address that is bound.
   * @throws {TunlError} usage, if other machines could choose the target of a stage inside without a user or a certificate
   */
  guard(ready: ReadyStage): ReadyStage {
    const outer = this.#stages.find(({ name }) => name === ready.stage.name);
    if (!outer) return ready;
    const findStage = (name: string) => this.#byName.get(name);
    const chosen = findChosenInside(outer, findStage);
    const inside = findInside(outer, findStage);
    const assertInside = (listen: readonly Address[]) => {
      if (!chosen) return;
      const why = `${outer.name} leads to the stage ${chosen.name}, whose clients choose the target`;
      assertChoiceNotOpen({ listen, hasUsers: false, hasClientCa: false, open: false }, why);
    };
    assertInside(outer.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
    return {
      ...ready,
      assertListen: (listener) => {
        ready.assertListen?.(listener);
        assertInside([listener.address]);
        if (!isLoopback(listener.address)) for (const { name } of inside) this.#exposed.add(name);
      },
    };
  }
}
