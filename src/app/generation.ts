import { setMaxListeners } from 'node:events';
import { type ChainStage, type Graph, type HttpStage, listNames } from '../chain/model.ts';
import { findFaults } from '../chain/validate.ts';
import type { Address } from '../core/address.ts';
import type { Dial, Origin } from '../core/dialer.ts';
import { TunlError, usageError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Link } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';
import type { Scope } from '../core/scope.ts';
import { InternalListeners } from '../listeners/internal.ts';
import { assertAdminNotOpen, assertChoiceNotOpen, assertNotOpen } from '../policy/exposure.ts';
import type { LogFiles } from '../telemetry/access-log.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import { createForwardRunner } from './forward-stage.ts';
import { createHttpAcceptor, createHttpRunner } from './http-stage.ts';
import { assertNotLedTo, type OffLimits } from './off-limits.ts';
import { createProxyRunner, readProxyMaterial } from './proxy-stage.ts';
import type { Route } from './route.ts';
import { RouteCache } from './routes.ts';
import { createAcceptor, createTerms } from './serve-terms.ts';
import type { StageParts, StageRunner } from './stage.ts';
import type { Traffic } from './traffic.ts';
import type { Tunnels } from './tunnels.ts';
import { createUpstream } from './upstream.ts';

/** What a generation runs in. */
export interface GenerationEnv {
  readonly scope: Scope;
  readonly emit: EventSink;
  readonly tunnels: Tunnels;
  /** Files that access logs are written to. */
  readonly logFiles: LogFiles;
  readonly listeners: () => readonly Listener[];
  /** Places that no tunnel may lead to. */
  readonly offLimits?: OffLimits;
  /** What is counted; absent where nobody asks. */
  readonly traffic?: Traffic;
}

/** A stage with all that it needs, ready to take Links. */
export interface ReadyStage {
  readonly stage: ChainStage;
  readonly route: Route;
  readonly acceptor?: TlsAcceptor;
  readonly runner: StageRunner;
  /** Dials what the stage leads to; absent where that depends on what is asked for. */
  readonly dial?: Dial;
  /** Takes a Link of one of the stage's listeners. */
  readonly onLink: (link: Link, origin: Origin, listener?: Listener) => Promise<TunlError | undefined>;
  /** @throws {TunlError} usage, when the stage would be an open proxy on that address */
  readonly assertListen: (listener: Listener) => void;
}

/** A graph whose certificates, keys, users and rules are read and whose stages are joined; nothing listens yet. */
export interface Generation {
  readonly graph: Graph;
  readonly stages: readonly ReadyStage[];
  /** Stages that outer ones dial for themselves. */
  readonly fused: ReadonlySet<string>;
  /** Reads certificates, keys and users again, and finds the files of access logs by their paths again. */
  reload(): Promise<void>;
  /** Another one takes the new connections. What is open lives on; who could ask for more is told to come again. */
  retire(): void;
  /** Ends the sessions with hops. */
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
  const dialInternal: Dial = async (address, ctx) => {
    if (address.kind !== 'internal') throw new Error('not an internal address');
    const inner = byName.get(address.name);
    const origin = { ...ctx.origin, stages: [...(ctx.origin.stages ?? []), inner?.stage.name ?? address.name] };
    if (inner?.runner.fused) return inner.runner.fused(address, { ...ctx, origin });
    const carries = ctx.hop || inner?.stage.job !== 'forward' ? 'tunnels' : 'bytes';
    return internal.connect(address.name, { ...ctx, origin, carries });
  };
  const routes = new RouteCache(graph, dialInternal, env);
  const retired = new AbortController();
  setMaxListeners(0, retired.signal);
  const stages = await Promise.all(
    graph.stages.map((stage) => createReadyStage(stage, routes, env, retired.signal).catch(blameStage(stage))),
  );
  for (const ready of stages) {
    for (const name of listNames(ready.stage)) {
      byName.set(name, ready);
      internal.listen(name, async (link, origin) => {
        const failure = await ready.onLink(link, origin);
        if (failure) throw failure;
      });
    }
  }
  const fused = stages.filter(({ runner }) => runner.fused).flatMap(({ stage }) => listNames(stage));
  return {
    graph,
    stages,
    fused: new Set(fused),
    async reload() {
      await Promise.all([
        ...stages.flatMap(({ acceptor, runner }) => [acceptor?.reload(), runner.reload?.()]),
        ...routes.all().map((route) => route.reload()),
        env.logFiles.reopen(),
      ]);
    },
    retire: () => retired.abort(),
    async close() {
      // They may run inside sessions with hops.
      await Promise.all(stages.map(async ({ runner }) => runner.close?.()));
      await Promise.all(routes.all().map((route) => route.close()));
    },
  };
}

/**
 * As far as the words tell; names and descriptors are judged once they are bound.
 * @throws {TunlError} usage, when others could reach the admin address, or tunnels surely would
 */
function assertAdminAllowed(graph: Graph): void {
  const { admin, adminOpen = false } = graph;
  if (!admin) return;
  if (admin.kind !== 'fd') assertAdminNotOpen({ listen: admin, open: adminOpen });
  assertNotLedTo(admin, graph);
}

function blameStage({ name }: ChainStage) {
  return (error: unknown): never => {
    throw error instanceof TunlError ? error.with({ stage: name }) : error;
  };
}

async function createReadyStage(
  stage: ChainStage,
  routes: RouteCache,
  env: GenerationEnv,
  retired: AbortSignal,
): Promise<ReadyStage> {
  const parts = (acceptor: TlsAcceptor | undefined, isInside: boolean): StageParts => ({
    scope: env.scope,
    retired,
    emit: env.emit,
    isInside,
    tunnels: env.tunnels,
    logFiles: env.logFiles,
    listeners: env.listeners,
    ...(acceptor && { acceptor }),
  });
  if (stage.job === 'forward') {
    const [route, acceptor] = await Promise.all([
      routes.get(stage.name, stage.route, 'both'),
      createForwardAcceptor(stage),
    ]);
    const runners = [false, true].map((isInside) => createForwardRunner(stage, route, parts(acceptor, isInside)));
    return join(stage, route, acceptor, runners, () => {});
  }
  if (stage.job === 'http') return createReadyHttpStage(stage, routes, parts);
  const terms = createTerms(stage);
  const [route, material, acceptor] = await Promise.all([
    routes.get(stage.name, stage.route),
    readProxyMaterial(stage),
    createAcceptor(stage, terms),
  ]);
  const { users } = material;
  const exposure = { hasUsers: users.required, hasClientCa: stage.tls?.clientCa !== undefined, open: stage.open };
  const outside = stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal');
  // As far as the words tell; descriptors are judged once they are bound.
  assertNotOpen({ listen: outside, ...exposure });
  const runners = [false, true].map((isInside) =>
    createProxyRunner(stage, route, terms, material, parts(acceptor, isInside)),
  );
  return join(stage, route, acceptor, runners, ({ address }) => assertNotOpen({ listen: [address], ...exposure }));
}

async function createReadyHttpStage(
  stage: HttpStage,
  routes: RouteCache,
  toParts: (acceptor: TlsAcceptor | undefined, isInside: boolean) => StageParts,
): Promise<ReadyStage> {
  const isChosen = stage.upstreams.some(({ to }) => 'field' in to);
  const exposure = { hasClientCa: stage.tls?.clientCa !== undefined, open: stage.open ?? false };
  const assertListen = (listen: readonly Address[]) => isChosen && assertChoiceNotOpen({ listen, ...exposure });
  assertListen(stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
  const [route, acceptor] = await Promise.all([routes.get(stage.name, stage.route), createHttpAcceptor(stage)]);
  const { listeners } = toParts(undefined, false);
  const upstreams = await Promise.all(
    stage.upstreams.map(async (upstream) => {
      const own = await routes.get(upstream.name, upstream.route);
      const sessions = routes.isOriginSeen(upstream) ? 'per-request' : 'shared';
      return [upstream.name, await createUpstream(upstream, { route: own, sessions, listeners })] as const;
    }),
  );
  const runners = [false, true].map((isInside) =>
    createHttpRunner(stage, new Map(upstreams), toParts(acceptor, isInside)),
  );
  return join(stage, route, acceptor, runners, ({ address }) => void assertListen([address]));
}

function join(
  stage: ChainStage,
  route: Route,
  acceptor: TlsAcceptor | undefined,
  [outside, inside]: readonly StageRunner[],
  assertListen: ReadyStage['assertListen'],
): ReadyStage {
  if (!outside || !inside) throw new Error('a stage has two runners');
  return {
    stage,
    route,
    ...(acceptor && { acceptor }),
    runner: inside,
    ...(outside.dial && { dial: outside.dial }),
    onLink: (link, origin, listener) => (listener ? outside : inside).onLink(link, origin, listener),
    assertListen,
  };
}

async function createForwardAcceptor({ tls }: ChainStage): Promise<TlsAcceptor | undefined> {
  if (!tls) return undefined;
  const { createTlsServer } = await import('../tls/server.ts');
  return createTlsServer({ ...tls, alpn: [] });
}
