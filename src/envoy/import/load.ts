import type { Fault, Path, Source } from '../../chain/read/document.ts';
import { explainIssues } from '../../chain/read/issues.ts';
import type { LoadedGraph } from '../../chain/read/load.ts';
import { type Stage, type Graph, listInnerExits, listNames } from '../../chain/model/graph.ts';
import type { GraphFault } from '../../chain/model/fault.ts';
import { nameRoutes } from '../../chain/model/shared-names.ts';
import { findFaults } from '../../chain/check/validate.ts';
import { quote } from '../../syntax/text.ts';
import { bootstrap, type BootstrapMessage } from '../schema/bootstrap.ts';
import type { ListenerMessage } from '../schema/listener.ts';
import { type Cluster, readCluster } from './cluster.ts';
import { isPiece } from './recognise.ts';
import { isInternalListener, nameListener, readListener, readSocket } from './listener.ts';
import { BootstrapDiagnostics } from './diagnostics.ts';
import { type SpellingOptions, spellOut } from '../schema/spelling.ts';

/**
 * Loads the graph from a bootstrap file of Envoy. Each listener becomes a stage.
 * @throws {TunlError} usage, with file, line and column of errors and of features that tunl does not support
 */
export function loadBootstrap(source: Source, options: SpellingOptions): LoadedGraph {
  const reading = new BootstrapDiagnostics(source);
  if (isPiece(source.value)) reading.add([], 'this is a piece of a file of Envoy', pieceHint);
  reading.assertRight();
  const { value, faults, skipped } = spellOut(source.value, bootstrap, options);
  reading.assertRight(faults);
  const form = bootstrap.safeParse(value);
  if (!form.success) {
    reading.assertRight(explainIssues(form.error.issues));
    throw form.error;
  }
  for (const { level, path, message } of skipped) reading.notice(level, path, message);
  const { graph, paths } = new BootstrapReader(form.data, reading).read();
  return {
    graph,
    sources: reading.sources,
    blame: (error, stage) => reading.blame(error, stage === undefined ? ['admin'] : (paths.get(stage) ?? [])),
    notices: reading.notices,
  };
}

const pieceHint = 'a whole one has static_resources, with listeners and clusters in it';

const listenersPath: Path = ['static_resources', 'listeners'];
const clustersPath: Path = ['static_resources', 'clusters'];

class BootstrapReader {
  readonly #words: BootstrapMessage;
  readonly #reading: BootstrapDiagnostics;
  readonly #clusters = new Map<string, Cluster>();

  constructor(words: BootstrapMessage, reading: BootstrapDiagnostics) {
    this.#words = words;
    this.#reading = reading;
  }

  read(): { readonly graph: Graph; readonly paths: ReadonlyMap<string, Path> } {
    const { listeners = [], clusters = [] } = this.#words.static_resources ?? {};
    this.#assertListeners(listeners);
    // Internal listeners get their names first, because addresses refer to them by name.
    for (const listener of listeners.toSorted((one, other) => rank(one) - rank(other))) {
      const name = nameListener(listener);
      if (name !== undefined) this.#reading.names.give(name, 'listener');
    }
    for (const [index, cluster] of clusters.entries()) {
      const path = [...clustersPath, index];
      if (this.#clusters.has(cluster.name)) {
        this.#reading.add(
          [...path, 'name'],
          `there are two clusters named ${quote(cluster.name)}`,
          'give one another name',
        );
      }
      this.#clusters.set(cluster.name, readCluster(cluster, path, this.#reading));
    }
    const paths = new Map<string, Path>();
    const stages = listeners.flatMap((listener, index) => {
      const path = [...listenersPath, index];
      const findCluster = (name: string, at: Path) => this.#findCluster(name, at);
      const stage = readListener(listener, path, { findCluster, clusters: [...this.#clusters.keys()] }, this.#reading);
      if (stage) paths.set(stage.name, path);
      return stage ?? [];
    });
    const admin = this.#readAdmin();
    this.#reading.assertRight();
    const bytes = this.#readBufferBytes();
    const graph: Graph = {
      ...nameRoutes(this.#leaveOutUnreached(stages, paths)),
      ...admin,
      ...(bytes !== undefined && { internalBufferBytes: bytes }),
    };
    this.#reading.assertRight(findFaults(graph).map((fault) => toFault(fault, paths)));
    return { graph, paths };
  }

  #assertListeners(listeners: readonly ListenerMessage[]): void {
    const { bootstrap_extensions: extensions = [] } = this.#words;
    if (listeners.length === 0)
      this.#reading.add(listenersPath, 'there is no listener', 'write listeners with an address and filter_chains');
    for (const [index, listener] of listeners.entries()) {
      const path = [...listenersPath, index];
      const name = nameListener(listener);
      if (isInternalListener(listener) && extensions.length === 0) {
        this.#reading.add(
          [...path, listener.internal_listener ? 'internal_listener' : 'address'],
          'an internal listener needs the bootstrap extension envoy.bootstrap.internal_listener',
          'add bootstrap_extensions with the type envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        );
      }
      const twin = listeners.findIndex((other) => name !== undefined && nameListener(other) === name);
      if (twin >= 0 && twin < index)
        this.#reading.add(
          [...path, 'name'],
          `there are two listeners named ${quote(name ?? '')}`,
          'give one another name',
        );
    }
  }

  #findCluster(name: string, path: Path): Cluster | undefined {
    const cluster = this.#clusters.get(name);
    if (!cluster) {
      const known = [...this.#clusters.keys()].map(quote).join(', ');
      this.#reading.add(
        path,
        `there is no cluster ${quote(name)}`,
        known === '' ? 'there is none at all' : `there are ${known}`,
      );
    }
    return cluster;
  }

  #readAdmin(): Pick<Graph, 'admin' | 'adminOpen'> {
    const { address, access_log: logs, access_log_path: log } = this.#words.admin ?? {};
    const path = ['admin', 'address'];
    if (logs || log !== undefined) this.#reading.notice('verbose', ['admin'], 'the admin address keeps no log here');
    const admin = address && this.#reading.attempts.run(path, () => readSocket(address, path, this.#reading));
    if (!admin) return {};
    if (admin.kind !== 'tcp' || /^(?:127\.|::1$)/.test(admin.host)) return { admin };
    this.#reading.notice('warning', path, 'other machines can reach the admin address, and need no password');
    return { admin, adminOpen: true };
  }

  #readBufferBytes(): number | undefined {
    const { bootstrap_extensions: [extension] = [] } = this.#words;
    const size = extension?.typed_config.buffer_size_kb;
    return size === undefined ? undefined : size * 1024;
  }

  /** Removes stages that cannot be reached, with a warning. Envoy allows them, but tunl would refuse the graph. */
  #leaveOutUnreached(stages: readonly Stage[], paths: ReadonlyMap<string, Path>): Stage[] {
    const reached = new Set<Stage>();
    const reach = (stage: Stage): void => {
      if (reached.has(stage)) return;
      reached.add(stage);
      const exits = listInnerExits(stage).map(({ name }) => name);
      for (const next of stages) if (listNames(next).some((name) => exits.includes(name))) reach(next);
    };
    for (const stage of stages) if (listNames(stage).length === 0) reach(stage);
    for (const stage of stages) {
      if (!reached.has(stage))
        this.#reading.notice('warning', paths.get(stage.name) ?? [], `nothing leads to ${stage.name}: it is left out`);
    }
    return stages.filter((stage) => reached.has(stage));
  }
}

function rank(listener: ListenerMessage): number {
  return isInternalListener(listener) ? 0 : 1;
}

function toFault({ stage, part, message, hint }: GraphFault, paths: ReadonlyMap<string, Path>): Fault {
  const path = paths.get(stage) ?? [];
  const isListen = part === 'listen';
  const instead = hint ?? (isListen ? 'give it an address of its own' : 'let it lead to another cluster');
  return { path: isListen ? [...path, 'address'] : path, message, hints: [instead] };
}
