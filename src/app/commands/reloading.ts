import { toTunlError } from '../../core/errors.ts';
import type { Graph } from '../../chain/model/graph.ts';
import type { RunningGraph } from '../graph/graph.ts';

/**
 * Makes the reload of a command whose graph is read anew. Reloads run one after the other, because two that open the
 * same listeners would conflict. After a failure everything stays as it was.
 * @param read reads the next graph, and passes it to the function that puts it in the place of the running one
 * @param hint says what runs on after a failure
 */
export function createReload(
  { reading, replace }: Pick<RunningGraph, 'reading' | 'replace'>,
  read: (replace: (graph: Graph) => Promise<void>) => Promise<void>,
  hint: string,
): () => Promise<void> {
  let last = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      await reading.during(() => read(replace));
    } catch (error) {
      throw toTunlError(error).withHints(hint);
    }
  };
  return () => (last = last.then(reload, reload));
}
