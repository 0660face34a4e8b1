import { type Stage, type Graph, listNames, type RouteName } from '../../chain/model/graph.ts';
import { findFaults } from '../../chain/check/validate.ts';
import { Abort } from '../../core/abort.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import { type EventSink, noting } from '../../core/events.ts';
import type { Listener } from '../../core/listener.ts';
import type { Scope } from '../../core/scope.ts';
import { InternalListeners } from '../../listeners/internal.ts';
import { assertAdminNotOpen } from '../../policy/exposure.ts';
import type { LogFiles } from '../../telemetry/access-log.ts';
import { bytesStage } from '../stages/forward-stage.ts';
import { httpStage } from '../stages/http-stage.ts';
import type { KeptPools, PoolChoice } from '../kept-pools.ts';
import { assertNotLedTo, type OffLimits } from '../off-limits.ts';
import { RouteCache, type RouteEnv } from '../stages/routes.ts';
import type { ReadyStage, StageParts } from '../stages/stage.ts';
import type { Traffic } from '../admin/traffic.ts';
import { InsideGuard } from './inside.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** The parts of the process that a generation uses. */
export interface GenerationEnv {
  readonly scope: Scope;
  readonly emit: EventSink;
  readonly tunnels: Tunnels;
  /** The files of the access logs. */
  readonly logFiles: LogFiles;
  readonly listeners: () => readonly Listener[];
  /** The connections that generations hand on; absent if there is only one. */
  readonly pools?: KeptPools;
  /** The addresses that no tunnel may reach. */
  readonly offLimits?: OffLimits;
  /** The counters; absent if there is no admin address to read them. */
  readonly traffic?: Traffic;
}

/**
 * A graph whose certificates, keys, users and rules have been read and whose stages are connected; nothing listens yet.
 */
export interface Generation {
  readonly graph: Graph;
  readonly stages: readonly ReadyStage[];
  /** The names of stages that run inside the dial of an outer stage. */
  readonly fused: ReadonlySet<string>;
  /** Reads certificates, keys and users again, and reopens the access log files by their paths. */
  reload(): Promise<void>;
  /** Lets the next generation go on with the connections of this one. */
  takeOver(): void;
  /**
   * Tells the stages that another generation takes new connections. Open tunnels and requests continue; clients that
   * could send further requests are asked to reconnect.
   */
  retire(): void;
  /** Closes the sessions with hops. */
  close(): Promise<void>;
}

/**
 * Makes a graph ready to run.
 * @throws {TunlError} usage
 */
export async function createGeneration(graph: Graph, env: GenerationEnv): Promise<Generation> {
  const [fault] = findFaults(graph);
  if (fault) throw usageError(fault.message, ...(fault.hint === undefined ? [] : [fault.hint]));
  assertAdminAllowed(graph);
  const internal = new InternalListeners(graph.internalBufferBytes);
  const byName = new Map<string, ReadyStage>();
  // The stages inside choose their own targets, so they are asked for tunnels.
  const dialInternal: Dial = async (address, { form: _ofTheTarget, ...ctx }) => {
    if (address.kind !== 'internal') throw new Error('not an internal address');
    const inner = byName.get(address.name);
    const state = passOnState(ctx.origin.state);
    const origin = { ...ctx.origin, state, stages: [...(ctx.origin.stages ?? []), inner?.stage.name ?? address.name] };
    if (inner?.fused) return inner.fused(address, { ...ctx, origin });
    const carries = ctx.hop || inner?.stage.job !== 'forward' ? 'tunnels' : 'bytes';
    return internal.connect(address.name, { ...ctx, origin, carries });
  };
  const retired = new Abort();
  const pools = env.pools?.prepare();
  const routes = new RouteCache(graph, dialInternal, toRouteEnv(env, retired.signal, pools));
  const { scope, emit, tunnels, logFiles, listeners } = env;
  const { traffic } = env;
  const inside = new InsideGuard(graph);
  const isExposed = inside.isExposed.bind(inside);
  const common: StageParts = { scope, retired: retired.signal, emit, tunnels, logFiles, listeners, routes, isExposed };
  const parts = { ...common, ...(traffic && { countScreens: traffic.countScreens.bind(traffic) }) };
  const stages = await Promise.all(
    graph.stages.map((stage) => {
      // An event does not always tell its stage, so each stage has a sink of its own while somebody counts.
      const sink = traffic ? noting(emit, (event) => traffic.journal.note(stage.name, event)) : emit;
      return prepareStage(stage, { ...parts, emit: sink })
        .then((ready) => inside.guard(traffic ? measured(ready, traffic) : ready))
        .catch(blameStage(stage));
    }),
  ).catch((error: unknown) => {
    // The other stages may have begun to follow their agents.
    retired.abort(undefined);
    throw error;
  });
  for (const ready of stages) {
    for (const name of listNames(ready.stage)) {
      byName.set(name, ready);
      internal.listen(name, async (link, origin) => {
        const failure = await ready.onLink(link, origin);
        if (failure) throw failure;
      });
    }
  }
  const fused = stages.filter((ready) => ready.fused).flatMap(({ stage }) => listNames(stage));
  return {
    graph,
    stages,
    fused: new Set(fused),
    async reload() {
      await Promise.all([
        ...stages.flatMap((ready) => [ready.acceptor?.reload(), ready.reload?.()]),
        ...routes.all().map((route) => route.reload()),
        env.logFiles.reopen(),
      ]);
    },
    takeOver: () => pools?.adopt(),
    retire: () => retired.abort(undefined),
    async close() {
      // The connections of stages may run inside sessions with hops.
      await Promise.all(stages.map(async (ready) => ready.close?.()));
      await Promise.all(routes.all().map((route) => route.close()));
    },
  };
}

function toRouteEnv(
  { emit, offLimits, traffic }: GenerationEnv,
  retired: AbortSignal,
  pools: PoolChoice | undefined,
): RouteEnv {
  return { emit, retired, ...(offLimits && { offLimits }), ...(traffic && { traffic }), ...(pools && { pools }) };
}

/** Measures for how long the clients of a stage that speaks HTTP are connected. */
function measured(ready: ReadyStage, traffic: Traffic): ReadyStage {
  const { name, job } = ready.stage;
  if (job === 'forward') return ready;
  return {
    ...ready,
    onLink(link, origin, listener) {
      traffic.acceptClient(name, link);
      return ready.onLink(link, origin, listener);
    },
  };
}

/** Returns the values that the next stage inside sees. */
function passOnState(state: Origin['state']): Origin['state'] {
  if (!state) return undefined;
  const shared = [...state].flatMap(([name, { value, share }]) =>
    share ? [[name, share === 'always' ? { value, share } : { value }] as const] : [],
  );
  return shared.length > 0 ? new Map(shared) : undefined;
}

/**
 * Checks the admin address as far as its text allows; names and descriptors are checked again once they are bound.
 * @throws {TunlError} usage, if other machines could reach the admin address, or a tunnel certainly would
 */
function assertAdminAllowed(graph: Graph): void {
  const { admin, adminOpen = false } = graph;
  if (!admin) return;
  if (admin.kind !== 'fd') assertAdminNotOpen({ listen: admin, open: adminOpen });
  assertNotLedTo(admin, graph);
}

function blameStage({ name }: Stage<RouteName>) {
  return (error: unknown): never => {
    throw error instanceof TunlError ? error.with({ stage: name }) : error;
  };
}

/** Prepares a stage according to its kind. */
async function prepareStage(stage: Stage<RouteName>, parts: StageParts): Promise<ReadyStage> {
  const ready = await prepareKind(stage, parts);
  if (!stage.acceptProxyProtocol) return ready;
  const { withClientHeader } = await import('./client-header.ts');
  return withClientHeader(ready, stage.acceptProxyProtocol, parts);
}

function prepareKind(stage: Stage<RouteName>, parts: StageParts): Promise<ReadyStage> {
  switch (stage.job) {
    case 'forward':
      return bytesStage.prepare(stage, parts);
    case 'proxy':
    case 'http':
      return httpStage.prepare(stage, parts);
  }
}
