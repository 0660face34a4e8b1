import { countStages } from '../tunnel/stage-counts.ts';
import { dirname, resolve } from 'node:path';
import { carrierSwitches, schemes, securedSchemes } from '../../carriers/index.ts';
import { Source } from '../../chain/read/document.ts';
import type { DrawTextOptions } from '../../chain/draw/draw.ts';
import { type LoadedGraph, loadGraph } from '../../chain/read/load.ts';
import { printGraph, type PrintOptions } from '../../chain/print/graph.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import { frontKinds } from '../../fronts/index.ts';
import { loadPatterns } from '../../chain/model/pattern.ts';
import { isBootstrap } from '../../envoy/import/recognise.ts';
import { plainSwitch } from '../../syntax/stage-settings.ts';
import { parseRule } from '../../policy/rules.ts';
import { Scope } from '../../core/scope.ts';
import { readChainText } from './chain-text.ts';
import { createReload } from './reloading.ts';
import type { EventSink } from '../../core/events.ts';
import { createGeneration } from '../graph/generation.ts';
import { startGraph } from '../graph/graph.ts';
import type { Trial } from '../graph/rehearsal.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { Graph } from '../../chain/model/graph.ts';
import { LogFiles } from '../../telemetry/access-log.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

export { describeRoutes } from '../../chain/draw/http-text.ts';
export { formatListener, listStages } from '../../chain/model/graph.ts';
export { printGraph, type PrintOptions };
export { toLinearGraph } from './linear.ts';

/**
 * Writes a graph as a bootstrap file of Envoy. The exporter is loaded here, because few commands need it.
 * @throws {TunlError} usage, naming every feature that Envoy lacks, with the stage that uses it
 */
export async function exportEnvoy(graph: Graph, sources?: PrintOptions['sources']): Promise<string> {
  const { writeBootstrap: write } = await import('../../envoy/export/export.ts');
  return write(graph, sources);
}

/** The forms in which a graph can be drawn. */
export type DrawForm = 'text' | 'mermaid' | 'svg';

/** Draws a graph without secrets. `width` is the number of columns of the terminal, 0 if there is none. */
export async function drawGraph(graph: Graph, form: DrawForm, options: DrawTextOptions): Promise<string> {
  const { drawMermaid, drawSvg, drawText } = await import('../../chain/draw/draw.ts');
  if (form === 'text') return drawText(graph, options);
  const facts = { ...options, secured: securedSchemes };
  return form === 'svg' ? await drawSvg(graph, facts) : drawMermaid(graph, facts);
}

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The names that `accept` may list in a file: the switches of `serve`. */
const switches = [...carrierSwitches, plainSwitch].map(({ name }) => name);

/** Options for reading the file of a chain. */
export interface ChainFileOptions {
  readonly env: Environment;
  /** True to skip unknown fields of a bootstrap file of Envoy instead of refusing them. */
  readonly allowUnknownFields: boolean;
}

/**
 * Reads the file of a chain, in the format of tunl or as a bootstrap file of Envoy. Relative paths in the format of
 * tunl start from the folder of the file; those in Envoy's start from the working directory, as in Envoy.
 * @throws {TunlError} usage, with file, line and column
 */
export async function loadChain(path: string, options: ChainFileOptions): Promise<LoadedGraph> {
  const source = new Source(await readChainText(path), path);
  // The engine is large, and hardly a file has patterns.
  if (/regex/i.test(JSON.stringify(source.value) ?? '')) await loadPatterns();
  if (isBootstrap(source)) {
    const { loadBootstrap } = await import('../../envoy/import/load.ts');
    return loadBootstrap(source, options);
  }
  const { env, allowUnknownFields } = options;
  if (allowUnknownFields) throw usageError('--allow-unknown-fields is for files of Envoy', `${path} is one of ours`);
  const checkRule = (rule: string) => void parseRule(rule);
  return loadGraph(source, {
    name: path,
    env,
    folder: dirname(resolve(path)),
    schemes,
    switches,
    frontKinds,
    checkRule,
  });
}

/** A graph and, if it was read from a file, the places of its stages in that file. */
export type PlacedGraph = Pick<LoadedGraph, 'graph'> & Partial<LoadedGraph>;

/**
 * Runs a chain. With `load`, a reload replaces the running graph by the one that `load` returns; if that fails, nothing
 * changes.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export async function startChain(
  first: PlacedGraph,
  runtime: Runtime,
  load?: () => Promise<PlacedGraph>,
): Promise<Running> {
  const {
    replace,
    reload: _files,
    reading,
    generation,
    ...rest
  } = await inPlace(first, () => startGraph(first.graph, runtime));
  const draw = async (width: number): Promise<string> => {
    const { graph, fused } = generation();
    return drawGraph(graph, 'text', { fused, width, counters: countStages(rest.tunnels) });
  };
  const running = { ...rest, draw };
  if (!load) return running;
  const read = async (put: typeof replace) => {
    const next = await load();
    await inPlace(next, () => put(next.graph));
  };
  return { ...running, reload: createReload({ reading, replace }, read, 'the stages run on as they were') };
}

/** What a check of a graph has found. */
export interface ChainCheck {
  /** The names of the fused stages. */
  readonly fused: ReadonlySet<string>;
  /** What was tried; nothing without `tries`. */
  readonly trials: readonly Trial[];
}

/**
 * Prepares a graph and discards it again: files, users, rules and exposure are checked, and nothing is dialled. With
 * `tries`, listeners are opened for a moment and names are resolved; a name without an address is a warning.
 * @throws {TunlError} usage; address_in_use, if a stage could not listen for another reason than that the address is in use
 */
export async function checkChain(
  placed: PlacedGraph,
  { tries, emit: report = () => {} }: { readonly tries: boolean; readonly emit?: EventSink },
): Promise<ChainCheck> {
  const emit = () => {};
  const env = {
    scope: new Scope(),
    emit,
    tunnels: new Tunnels(emit),
    logFiles: new LogFiles(emit),
    listeners: () => [],
  };
  const generation = await inPlace(placed, () => createGeneration(placed.graph, env));
  try {
    if (!tries) return { fused: generation.fused, trials: [] };
    const { rehearse } = await import('../graph/rehearsal.ts');
    const trials = await inPlace(placed, () => rehearse(generation, env.scope.draining));
    for (const { failure } of trials) {
      if (!failure) continue;
      const { message } = placed.blame?.(failure.error, failure.stage) ?? failure.error;
      report({ event: 'notice', level: 'warning', message });
    }
    return { fused: generation.fused, trials };
  } finally {
    await generation.close();
  }
}

/** Runs a function on a graph and adds the place of the stage to its error. */
async function inPlace<T>({ blame }: PlacedGraph, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TunlError)) throw error;
    const { stage, setting } = error.facts;
    if (stage === undefined && (setting === undefined || !blame)) throw error;
    if (!blame) throw error.with({}, `${stage}: ${error.message}`);
    const isNamed = stage !== undefined && error.code === 'address_in_use';
    throw blame(isNamed ? error.with({}, `stage ${stage} ${error.message}`) : error, stage);
  }
}
