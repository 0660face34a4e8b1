import type { Graph } from '../chain/model.ts';
import { type Address, formatAddress } from '../core/address.ts';
import { throwIfAborted } from '../core/deadline.ts';
import { toTunlError } from '../core/errors.ts';
import type { EventSink, ListeningEvent } from '../core/events.ts';
import type { Link } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';
import { listen } from '../listeners/socket.ts';
import type { ListenerFacts, Subject } from '../telemetry/admin/subject.ts';
import { LogFiles } from '../telemetry/access-log.ts';
import { Admin } from './admin.ts';
import { checkTargets } from './check.ts';
import { createGeneration, type Generation, type GenerationEnv } from './generation.ts';
import { OffLimits } from './off-limits.ts';
import type { Running, Runtime } from './options.ts';
import type { ReadyStage } from './stage.ts';
import { Traffic } from './traffic.ts';
import { Tunnels } from './tunnels.ts';

/** A listener of the system whose Links go to the stage that has it now. */
interface Door {
  readonly listener: Listener;
  onLink: (link: Link) => void;
}

/** A running graph. */
export interface RunningGraph extends Running {
  readonly generation: () => Generation;
  /**
   * Puts another graph in its place: listeners that both have stay open, tunnels live on.
   * @throws {TunlError} usage or address_in_use, and then everything stays as it was
   */
  replace(graph: Graph): Promise<void>;
}

/** How a graph starts. */
export interface GraphOptions {
  /** Dial every target of the stages that forward once, before anything listens. */
  readonly check?: boolean;
}

/**
 * Runs a graph: the one runtime of `forward`, `serve` and `chain`.
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
    reload: () => runner.generation.reload(),
    done: runUntilDrained(runtime, runner.tunnels),
  };
}

class GraphRunner {
  readonly tunnels: Tunnels;
  readonly #runtime: Runtime;
  readonly #env: GenerationEnv;
  readonly #admin: Admin;
  #traffic: Traffic | undefined;
  #doors = new Map<string, Door>();
  #generation!: Generation;

  constructor(runtime: Runtime) {
    const { scope } = runtime;
    const emit: EventSink = (event) => {
      this.#traffic?.note(event);
      runtime.emit(event);
    };
    this.#runtime = { ...runtime, emit };
    this.tunnels = new Tunnels(emit);
    const listeners = () => [...this.#doors.values()].map(({ listener }) => listener);
    this.#admin = new Admin(() => this.#makeSubject());
    const logFiles = new LogFiles(emit);
    const offLimits = new OffLimits(() => this.#admin.places);
    this.#env = { scope, emit, tunnels: this.tunnels, logFiles, listeners, offLimits };
    // The last of all: tunnels that are cut have their lines.
    scope.defer(() => logFiles.close());
    scope.defer(() => this.#admin.close());
    scope.defer(() => this.#closeDoors());
    scope.draining.addEventListener('abort', () => void this.#closeDoors(), { once: true });
  }

  get generation(): Generation {
    return this.#generation;
  }

  get addresses(): readonly Address[] {
    return [...this.#doors.values()].map(({ listener }) => listener.address);
  }

  async start(graph: Graph, { check = false }: GraphOptions): Promise<void> {
    const { scope, emit, onReady } = this.#runtime;
    const generation = await this.#prepare(graph);
    if (check) await this.#checkTargets(generation);
    const { opened } = await this.#admin.prepare(graph);
    this.#adopt(generation, await this.#openDoors(generation));
    throwIfAborted(scope.forced);
    onReady?.(this.addresses);
    for (const { acceptor } of generation.stages) {
      if (!acceptor?.development) continue;
      emit({ event: 'notice', level: 'warning', message: `development certificate, pin ${acceptor.pin}` });
    }
    this.#announce(generation, new Set(), opened);
  }

  async replace(graph: Graph): Promise<void> {
    const generation = await this.#prepare(graph);
    const before = new Set(this.#doors.keys());
    const previous = this.#generation;
    const admin = await this.#admin.prepare(graph);
    const doors = await this.#openDoors(generation).catch(async (error: unknown) => {
      await admin.undo();
      throw error;
    });
    const closed = [...this.#doors].filter(([key]) => !doors.has(key)).map(([, door]) => door);
    this.#adopt(generation, doors);
    previous.retire();
    await this.#env.logFiles.reopen();
    await Promise.all([...closed.map(({ listener }) => listener.close()), admin.finish()]);
    if (closed.length > 0 || [...doors.keys()].some((key) => !before.has(key))) this.#tellAgain();
    this.#announce(generation, before, admin.opened);
  }

  /** What runs already goes on, also where nobody can be told of it. */
  #tellAgain(): void {
    const { emit, onReady } = this.#runtime;
    try {
      onReady?.(this.addresses);
    } catch (error) {
      emit({ event: 'notice', level: 'warning', message: toTunlError(error).message });
    }
  }

  async #prepare(graph: Graph): Promise<Generation> {
    const generation = await createGeneration(graph, { ...this.#env, ...this.#countFor(graph) });
    // Not when the next one takes over: tunnels that are open live in its sessions, which end when idle.
    this.#runtime.scope.defer(() => generation.close());
    return generation;
  }

  /** Counts what a graph with an admin address does. Without one nothing is counted, and nothing is spent on it. */
  #countFor(graph: Graph): { readonly traffic?: Traffic } {
    if (!graph.admin) return {};
    const traffic = (this.#traffic ??= new Traffic());
    this.tunnels.onLeave = (tunnel) => traffic.leave(tunnel);
    return { traffic };
  }

  async #makeSubject(): Promise<Subject> {
    const { createSubject } = await import('./subject.ts');
    return createSubject({
      runtime: this.#runtime,
      tunnels: this.tunnels,
      traffic: (this.#traffic ??= new Traffic()),
      current: () => this.#generation,
      listeners: () => this.#listListeners(),
      closeListeners: () => void this.#closeDoors(),
    });
  }

  async #checkTargets({ stages }: Generation): Promise<void> {
    const { emit, scope } = this.#runtime;
    for (const { stage, dial } of stages) {
      if (!dial || stage.job !== 'forward') continue;
      await checkTargets(dial, stage.to.targets.slice(0, 1), { emit, signal: scope.draining });
    }
  }

  /** The doors of a generation: those that are open already, and new ones. Fails with none opened. */
  async #openDoors({ stages }: Generation): Promise<Map<string, Door>> {
    const doors = new Map<string, Door>();
    const opened: Door[] = [];
    try {
      for (const ready of stages) {
        for (const [place, address] of ready.stage.listen.entries()) {
          if (address.kind === 'internal') continue;
          const key = doorKey(ready, address, place);
          const known = this.#doors.get(key);
          const door = known ?? (await openDoor(address));
          if (!known) opened.push(door);
          ready.assertListen?.(door.listener);
          doors.set(key, door);
        }
      }
      return doors;
    } catch (error) {
      await Promise.all(opened.map(({ listener }) => listener.close()));
      throw error;
    }
  }

  #adopt(generation: Generation, doors: Map<string, Door>): void {
    this.#generation = generation;
    this.#doors = doors;
    this.#traffic?.expect(generation.graph);
    const order = [...doors.values()];
    let at = 0;
    for (const ready of generation.stages) {
      for (const address of ready.stage.listen) {
        if (address.kind === 'internal') continue;
        const door = order[at++] as Door;
        const origin = { stages: [ready.stage.name] };
        const { address: bound } = door.listener;
        door.onLink = (link) => {
          this.#traffic?.accept(bound, link);
          void ready.onLink(link, { ...origin, peer: link.peer }, door.listener);
        };
      }
    }
    if (this.#runtime.scope.draining.aborted) void this.#closeDoors();
  }

  #announce({ stages }: Generation, before: ReadonlySet<string>, admin: Address | undefined): void {
    const doors = [...this.#doors];
    let at = 0;
    for (const ready of stages) {
      for (const address of ready.stage.listen) {
        if (address.kind === 'internal') continue;
        const [key, { listener }] = doors[at++] as [string, Door];
        if (!before.has(key)) this.#runtime.emit(describeListening(ready, listener.address));
      }
    }
    if (admin) this.#runtime.emit({ event: 'listening', role: 'admin', ...describePlace(admin), via: [] });
  }

  /** The listeners that accept, with the names of their stages. */
  #listListeners(): ListenerFacts[] {
    const doors = [...this.#doors.values()];
    const names = this.#generation.stages.flatMap(({ stage }) =>
      stage.listen.filter(({ kind }) => kind !== 'internal').map(() => stage.name),
    );
    return doors.map(({ listener }, index) => ({ name: names[index] ?? '', address: listener.address }));
  }

  async #closeDoors(): Promise<void> {
    await Promise.all([...this.#doors.values()].map(({ listener }) => listener.close()));
  }
}

/** Opens a listener whose Links wait until somebody has it. */
async function openDoor(address: Address): Promise<Door> {
  const early: Link[] = [];
  let onLink = (link: Link): void => void early.push(link);
  const listener = await listen(address, (link) => onLink(link));
  return {
    listener,
    get onLink() {
      return onLink;
    },
    set onLink(next) {
      onLink = next;
      for (const link of early.splice(0)) next(link);
    },
  };
}

/** Two free ports are two listeners, known by their stage and place; other addresses are known by their text. */
function doorKey({ stage }: ReadyStage, address: Address, place: number): string {
  const isFree = address.kind === 'tcp' && address.port === 0;
  return isFree ? `${stage.name} ${place} ${formatAddress(address)}` : formatAddress(address);
}

function describeListening({ stage, route }: ReadyStage, address: Address): ListeningEvent {
  const targets = stage.to?.targets.map(formatAddress).join('|');
  return {
    event: 'listening',
    role: stage.job === 'forward' ? 'forward' : 'serve',
    ...describePlace(address),
    ...(stage.job === 'forward' && targets !== undefined && { target: targets }),
    via: route.via,
  };
}

function describePlace(address: Address): Pick<ListeningEvent, 'address' | 'port'> {
  return { address: formatAddress(address), ...(address.kind === 'tcp' && { port: address.port }) };
}

/** Resolves once the scope was drained: listeners closed, tunnels ended or cut, cleanups done. */
async function runUntilDrained({ scope, graceMs }: Runtime, tunnels: Tunnels): Promise<number> {
  await new Promise<void>((resolve) => {
    if (scope.draining.aborted) resolve();
    scope.draining.addEventListener('abort', () => resolve(), { once: true });
  });
  const cut = await tunnels.drain(graceMs, scope.forced);
  await scope.close();
  return cut;
}
