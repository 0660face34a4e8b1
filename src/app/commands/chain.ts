import { dirname, resolve } from 'node:path';
import { carriers, schemes } from '../../carriers/index.ts';
import { Source } from '../../chain/read/document.ts';
import type { DrawTextOptions } from '../../chain/draw/draw.ts';
import { type LoadedGraph, loadGraph } from '../../chain/read/load.ts';
import { printGraph, type PrintOptions } from '../../chain/print/graph.ts';
import { TunlError, toTunlError, usageError } from '../../core/errors.ts';
import { isBootstrap } from '../../envoy/import/recognise.ts';
import { parseRule } from '../../policy/rules.ts';
import { Scope } from '../../core/scope.ts';
import { readChainText } from './chain-text.ts';
import { createGeneration } from '../graph/generation.ts';
import { startGraph } from '../graph/graph.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { Graph } from '../../chain/model/graph.ts';
import { LogFiles } from '../../telemetry/access-log.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

export { describeRoutes } from '../../chain/draw/http-text.ts';
export { listStages } from '../../chain/model/graph.ts';
export { printGraph, type PrintOptions };
export { toLinearGraph } from './linear.ts';

/**
 * Writes a graph as a bootstrap file of Envoy. Few need what does that: it is loaded here.
 * @throws {TunlError} usage, naming everything that Envoy cannot do, with the stage that wants it
 */
export async function exportEnvoy(graph: Graph, sources?: PrintOptions['sources']): Promise<string> {
  const { writeBootstrap: write } = await import('../../envoy/export/export.ts');
  return write(graph, sources);
}

/** Forms in which a graph can be drawn. */
export type DrawForm = 'text' | 'mermaid' | 'svg';

/** Draws a graph. `width` is the columns that a terminal has, 0 for none; no secret is shown. */
export async function drawGraph(graph: Graph, form: DrawForm, options: DrawTextOptions): Promise<string> {
  const { drawMermaid, drawSvg, drawText } = await import('../../chain/draw/draw.ts');
  if (form === 'mermaid') return drawMermaid(graph, options);
  if (form === 'svg') return drawSvg(graph, options);
  return drawText(graph, options);
}

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What `accept` may name in a file: the switches of `serve`. */
const switches = carriers.flatMap(({ serveFlag, serveSwitches = [] }) =>
  [...(serveFlag ? [serveFlag] : []), ...serveSwitches].map(({ name }) => name),
);

/** What the file of a chain is read with. */
export interface ChainFileOptions {
  readonly env: Environment;
  /** Leave out fields of a bootstrap file of Envoy that no message of it has, instead of refusing them. */
  readonly allowUnknownFields: boolean;
}

/**
 * Reads the file of a chain, in our words or as a bootstrap file of Envoy. Relative paths in ours start from its folder,
 * those of Envoy from where the process runs, as there.
 * @throws {TunlError} usage, with file, line and column
 */
export async function loadChain(path: string, options: ChainFileOptions): Promise<LoadedGraph> {
  const source = new Source(await readChainText(path), path);
  if (isBootstrap(source)) {
    const { loadBootstrap } = await import('../../envoy/import/load.ts');
    return loadBootstrap(source, options);
  }
  const { env, allowUnknownFields } = options;
  if (allowUnknownFields) throw usageError('--allow-unknown-fields is for files of Envoy', `${path} is one of ours`);
  const checkRule = (rule: string) => void parseRule(rule);
  return loadGraph(source, { name: path, env, folder: dirname(resolve(path)), schemes, switches, checkRule });
}

/** A graph, and where its stages are written, as far as a file says it. */
export type PlacedGraph = Pick<LoadedGraph, 'graph'> & Partial<LoadedGraph>;

/**
 * Runs a chain. With `load` a reload puts the graph that it returns in the place of the one that runs; when that
 * fails everything stays as it was.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export async function startChain(
  first: PlacedGraph,
  runtime: Runtime,
  load?: () => Promise<PlacedGraph>,
): Promise<Running> {
  const { replace, reload: _files, generation, ...rest } = await inPlace(first, () => startGraph(first.graph, runtime));
  const draw = async (width: number): Promise<string> => {
    const { graph, fused } = generation();
    return drawGraph(graph, 'text', { fused, width, counters: rest.tunnels.countStages() });
  };
  const running = { ...rest, draw };
  if (!load) return running;
  let last = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      const next = await load();
      await inPlace(next, () => replace(next.graph));
    } catch (error) {
      throw toTunlError(error).withHints('the stages run on as they were');
    }
  };
  // One after the other: two that open the same listeners would be in each other's way.
  return { ...running, reload: () => (last = last.then(reload, reload)) };
}

/**
 * Makes a graph ready and lets go of it again: files, users, rules and exposure are checked, nothing is dialled
 * and nothing listens. Resolves with the names of the fused stages.
 * @throws {TunlError} usage
 */
export async function checkChain(placed: PlacedGraph): Promise<ReadonlySet<string>> {
  const emit = () => {};
  const env = {
    scope: new Scope(),
    emit,
    tunnels: new Tunnels(emit),
    logFiles: new LogFiles(emit),
    listeners: () => [],
  };
  const generation = await inPlace(placed, () => createGeneration(placed.graph, env));
  await generation.close();
  return generation.fused;
}

/** Does something with a graph, and says of what fails which stage it is about. */
async function inPlace<T>({ placeOf }: PlacedGraph, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const stage = error instanceof TunlError ? error.facts.stage : undefined;
    if (!(error instanceof TunlError) || stage === undefined) throw error;
    throw error.with({}, `${placeOf?.(stage) ?? stage}: ${error.message}`);
  }
}
