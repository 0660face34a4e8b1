import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { carriers, schemes } from '../carriers/index.ts';
import { type LoadedGraph, loadGraph } from '../chain/load.ts';
import type { Graph } from '../chain/model.ts';
import { toTunlError, usageError } from '../core/errors.ts';
import { parseRule } from '../policy/rules.ts';
import { describeFileError } from '../words/password-file.ts';
import { Scope } from '../core/scope.ts';
import { quote } from '../words/text.ts';
import { createGeneration } from './generation.ts';
import { startGraph } from './graph.ts';
import type { Running, Runtime } from './options.ts';
import { Tunnels } from './tunnels.ts';

export { printGraph, type PrintOptions } from '../chain/print.ts';
export { toLinearGraph } from './linear.ts';

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What `accept` may name in a file: the switches of `serve`. */
const switches = carriers.flatMap(({ serveFlag, serveSwitches = [] }) =>
  [...(serveFlag ? [serveFlag] : []), ...serveSwitches].map(({ name }) => name),
);

/**
 * Reads the file of a chain; relative paths in it start from its folder.
 * @throws {TunlError} usage, with file, line and column
 */
export async function loadChain(path: string, env: Environment): Promise<LoadedGraph> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw usageError(`cannot read ${quote(path)}: ${describeFileError(error)}`);
  }
  const checkRule = (rule: string) => void parseRule(rule);
  return loadGraph(text, { name: path, env, folder: dirname(resolve(path)), schemes, switches, checkRule });
}

/** Where a graph comes from: one that stays, or a file that is read anew with each reload. */
export interface ChainSource {
  readonly graph: Graph;
  /** Absent where there is nothing to read again. @throws {TunlError} usage */
  readonly load?: () => Promise<Graph>;
}

/**
 * Runs a chain. A reload puts the graph that `load` returns in its place; when that fails everything stays
 * as it was.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export async function startChain({ graph, load }: ChainSource, runtime: Runtime): Promise<Running> {
  const { replace, reload: _files, ...running } = await startGraph(graph, runtime);
  if (!load) return running;
  let last = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      await replace(await load());
    } catch (error) {
      throw toTunlError(error).withHints('the stages run on as they were');
    }
  };
  return {
    ...running,
    // One after the other: two that open the same listeners would be in each other's way.
    reload: () => (last = last.then(reload, reload)),
  };
}

/**
 * Makes a graph ready and lets go of it again: files, users, rules and exposure are checked, nothing is dialled
 * and nothing listens.
 * @throws {TunlError} usage
 */
export async function checkChain(graph: Graph): Promise<ReadonlySet<string>> {
  const emit = () => {};
  const env = { scope: new Scope(), emit, tunnels: new Tunnels(emit), listeners: () => [] };
  const generation = await createGeneration(graph, env);
  await generation.close();
  return generation.fused;
}
