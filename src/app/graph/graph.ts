import type { Graph } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { throwIfAborted } from '../../core/deadline.ts';
import { TunlError, toTunlError } from '../../core/errors.ts';
import { noting } from '../../core/events.ts';
import type { ListenerFacts, Subject } from '../../telemetry/admin/subject.ts';
import { LogFiles } from '../../telemetry/access-log.ts';
import { Admin } from '../admin/admin.ts';
import { CertificateWatch, hasMeshCertificates } from './certificate-watch.ts';
import { BoundListener, describeListening, describePlace, listPlaces, type StageListener } from './bound-listener.ts';
import { createGeneration, type Generation, type GenerationEnv } from './generation.ts';
import { KeptPools } from '../kept-pools.ts';
import { OffLimits } from '../off-limits.ts';
import type { Running, Runtime } from '../runtime.ts';
import { ReadingRecord } from '../admin/reading.ts';
import type { Traffic } from '../admin/traffic.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

/** A running graph. */
export interface RunningGraph extends Running {
  readonly generation: () => Generation;
  /**
   * Replaces the graph by another one: listeners that both have stay open, and open tunnels continue.
   * @throws {TunlError} usage or address_in_use; nothing has changed then
   */
  replace(graph: Graph): Promise<void>;
  /** What the admin address tells of the last readings. */
  readonly reading: ReadingRecord;
}

/** Options for the start of a graph. */
export interface GraphOptions {
  /** Dial every target of the stages that forward once, before anything listens. */
  readonly check?: boolean;
}

/**
 * Runs a graph; `forward`, `serve` and `chain` all start here.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export async function startGraph(graph: Graph, runtime: Runtime, options: GraphOptions = {}): Promise<RunningGraph> {
  const { scope } = runtime;
  const runner = new GraphRunner(runtime);
  try {
    await runner.start(graph, options);
  } catch (error) {
    await scope.close();
    throw error;
  }
  return {
    addresses: runner.addresses,
    tunnels: runner.tunnels,
    generation: () => runner.generation,
    replace: (next) => runner.replace(next),
    reading: runner.reading,
    reload: () => runner.reload(),
    done: runUntilDrained(runtime, runner.tunnels),
  };
}

class GraphRunner {
  readonly tunnels: Tunnels;
  readonly reading = new ReadingRecord();
  readonly #runtime: Runtime;
  readonly #env: GenerationEnv;
  readonly #admin: Admin;
  readonly #watch: CertificateWatch;
  #traffic: Traffic | undefined;
  #subject: Promise<Subject> | undefined;
  #listeners: ReadonlyMap<string, StageListener> = new Map();
  #generation!: Generation;

  constructor(runtime: Runtime) {
    const { scope } = runtime;
    const emit = noting(runtime.emit, (event) => this.#traffic?.note(event));
    this.#runtime = { ...runtime, emit };
    this.tunnels = new Tunnels(emit);
    const listeners = () => [...this.#listeners.values()].map(({ bound }) => bound.listener);
    this.#admin = new Admin(() => (this.#subject ??= this.#makeSubject()));
    const logFiles = new LogFiles(emit);
    const offLimits = new OffLimits(() => this.#admin.places);
    this.#env = { scope, emit, tunnels: this.tunnels, logFiles, listeners, offLimits, pools: new KeptPools() };
    this.#watch = new CertificateWatch(() => this.reload(), emit);
    // Runs last, so that tunnels that are cut still get their log lines.
    scope.defer(() => logFiles.close());
    scope.defer(() => this.#admin.close());
    scope.defer(() => this.#closeListeners());
    scope.defer(() => this.#watch.close());
    scope.draining.addEventListener('abort', () => void this.#closeListeners(), { once: true });
  }

  get generation(): Generation {
    return this.#generation;
  }

  get addresses(): readonly Address[] {
    return [...this.#listeners.values()].map(({ bound }) => bound.listener.address);
  }

  async start(graph: Graph, { check = false }: GraphOptions): Promise<void> {
    const { scope, emit, onReady } = this.#runtime;
    const generation = await this.#prepare(graph);
    if (check) await this.#checkTargets(generation);
    const { opened } = await this.#admin.prepare(graph);
    this.#adopt(generation, await this.#openListeners(generation));
    throwIfAborted(scope.forced);
    onReady?.(this.addresses);
    for (const { acceptor } of generation.stages) {
      if (!acceptor?.development) continue;
      emit({ event: 'notice', level: 'warning', message: `development certificate, pin ${acceptor.pin}` });
    }
    this.#announce(new Set(), opened);
  }

  /** Reads certificates, keys and users again. @throws {TunlError} usage; the faulty part stays as it was */
  reload(): Promise<void> {
    return this.reading.during(() => this.#generation.reload());
  }

  async replace(graph: Graph): Promise<void> {
    const generation = await this.#prepare(graph);
    const before = new Set(this.#listeners.keys());
    const previous = this.#generation;
    const giveUp = (error: unknown): never => {
      generation.retire();
      throw error;
    };
    const admin = await this.#admin.prepare(graph).catch(giveUp);
    const listeners = await this.#openListeners(generation).catch(async (error: unknown) => {
      await admin.undo();
      return giveUp(error);
    });
    const closed = [...this.#listeners].filter(([key]) => !listeners.has(key)).map(([, { bound }]) => bound);
    this.#adopt(generation, listeners);
    previous.retire();
    await this.#env.logFiles.reopen();
    await Promise.all([...closed.map(({ listener }) => listener.close()), admin.finish()]);
    if (closed.length > 0 || [...listeners.keys()].some((key) => !before.has(key))) this.#tellAgain();
    this.#announce(before, admin.opened);
  }

  /** Reports the addresses again; a failure to do so is only a warning, because the graph runs already. */
  #tellAgain(): void {
    const { emit, onReady } = this.#runtime;
    try {
      onReady?.(this.addresses);
    } catch (error) {
      emit({ event: 'notice', level: 'warning', message: toTunlError(error).message });
    }
  }

  async #prepare(graph: Graph): Promise<Generation> {
    const generation = await createGeneration(graph, { ...this.#env, ...(await this.#countFor(graph)) });
    // A generation is not closed when the next one takes over: its sessions carry open tunnels, and end when idle.
    this.#runtime.scope.defer(() => generation.close());
    return generation;
  }

  /** Returns the counters for a graph with an admin address. Without one nothing is counted, which saves the cost. */
  async #countFor(graph: Graph): Promise<{ readonly traffic?: Traffic }> {
    if (!graph.admin) return {};
    const { Traffic } = await import('../admin/traffic.ts');
    const traffic = (this.#traffic ??= new Traffic());
    this.tunnels.onLeave = (tunnel) => traffic.leave(tunnel);
    return { traffic };
  }

  async #makeSubject(): Promise<Subject> {
    const { createSubject } = await import('../admin/subject.ts');
    // An admin address is opened for a graph that has been prepared with counters.
    const traffic = this.#traffic as Traffic;
    return createSubject({
      runtime: this.#runtime,
      tunnels: this.tunnels,
      traffic,
      current: () => this.#generation,
      listeners: () => this.#listListeners(),
      closeListeners: () => void this.#closeListeners(),
      reading: () => this.reading.facts,
    });
  }

  async #checkTargets({ stages }: Generation): Promise<void> {
    const { emit, scope } = this.#runtime;
    const { checkTargets } = await import('../tunnel/check.ts');
    for (const { stage, dial } of stages) {
      if (!dial || stage.job !== 'forward') continue;
      await checkTargets(dial, stage.to.targets.slice(0, 1), { emit, signal: scope.draining });
    }
  }

  /**
   * Opens the listeners of a generation and reuses those that are open already. If one fails, those that were opened
   * are closed.
   */
  async #openListeners({ stages }: Generation): Promise<Map<string, StageListener>> {
    const listeners = new Map<string, StageListener>();
    const opened: BoundListener[] = [];
    try {
      for (const ready of stages) {
        for (const { key, address } of listPlaces(ready)) {
          const known = this.#listeners.get(key)?.bound;
          const bound = known ?? (await BoundListener.open(address).catch(blame(ready)));
          if (!known) opened.push(bound);
          ready.assertListen?.(bound.listener);
          listeners.set(key, { bound, ready });
        }
      }
      return listeners;
    } catch (error) {
      for (const bound of opened) bound.turnAway();
      await Promise.all(opened.map(({ listener }) => listener.close()));
      throw error;
    }
  }

  #adopt(generation: Generation, listeners: ReadonlyMap<string, StageListener>): void {
    this.#generation = generation;
    generation.takeOver();
    this.#listeners = listeners;
    this.#traffic?.expect(generation.graph);
    for (const { bound, ready } of listeners.values()) {
      const { listener } = bound;
      const stages = [ready.stage.name];
      bound.deliverTo((link) => {
        this.#traffic?.accept(listener.address, link);
        void ready.onLink(link, { peer: link.peer, stages }, listener);
      });
    }
    const { scope, watchFiles = hasMeshCertificates(generation.graph) } = this.#runtime;
    if (watchFiles) this.#watch.follow(generation.graph);
    else this.#watch.close();
    if (scope.draining.aborted) void this.#closeListeners();
  }

  #announce(before: ReadonlySet<string>, admin: Address | undefined): void {
    const { emit } = this.#runtime;
    for (const [key, listener] of this.#listeners) if (!before.has(key)) emit(describeListening(listener));
    if (admin) emit({ event: 'listening', role: 'admin', ...describePlace(admin), via: [] });
  }

  /** Lists the listeners that accept, with the names of their stages. */
  #listListeners(): ListenerFacts[] {
    return [...this.#listeners.values()].map(({ bound, ready }) => ({
      name: ready.stage.name,
      address: bound.listener.address,
    }));
  }

  async #closeListeners(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map(({ bound }) => bound.listener.close()));
  }
}

/** Adds to a failure to listen the stage that it is about. */
function blame({ stage }: Generation['stages'][number]) {
  return (error: unknown): never => {
    throw error instanceof TunlError ? error.with({ stage: stage.name, setting: 'listen' }) : error;
  };
}

/**
 * Waits for the scope to drain, for tunnels to end or be cut, and for cleanups. Resolves with the number of tunnels
 * cut.
 */
async function runUntilDrained({ scope, graceMs }: Runtime, tunnels: Tunnels): Promise<number> {
  await new Promise<void>((resolve) => {
    if (scope.draining.aborted) resolve();
    scope.draining.addEventListener('abort', () => resolve(), { once: true });
  });
  const cut = await tunnels.drain(graceMs, scope.forced);
  await scope.close();
  return cut;
}
