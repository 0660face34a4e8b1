import { findChosenInside } from '../../chain/check/inside.ts';
import { type Graph, listNames, listStages } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { assertChoiceNotOpen } from '../../policy/exposure.ts';
import type { ReadyStage } from '../stages/stage.ts';

/**
 * Makes a check of stages before they listen: what a stage leads to by internal listeners is as exposed as the stage.
 * The check is made at once as far as the text of the addresses allows, and again with each address that is bound.
 * @throws {TunlError} usage, if other machines could choose the target of a stage inside without a user or a certificate
 */
export function guardInside(graph: Graph): (ready: ReadyStage) => ReadyStage {
  const stages = listStages(graph);
  const byName = new Map(stages.flatMap((stage) => listNames(stage).map((name) => [name, stage] as const)));
  return (ready) => {
    const outer = stages.find(({ name }) => name === ready.stage.name);
    const inner = outer && findChosenInside(outer, (name) => byName.get(name));
    if (!inner) return ready;
    const why = `${outer.name} leads to the stage ${inner.name}, whose clients choose the target`;
    const assertInside = (listen: readonly Address[]) =>
      assertChoiceNotOpen({ listen, hasUsers: false, hasClientCa: false, open: false }, why);
    assertInside(outer.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
    return {
      ...ready,
      assertListen(listener) {
        ready.assertListen?.(listener);
        assertInside([listener.address]);
      },
    };
  };
}
