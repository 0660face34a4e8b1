import type { Stage, RouteName } from '../../chain/model/graph.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import type { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Link } from '../../core/link.ts';
import type { Listener } from '../../core/listener.ts';
import type { Scope } from '../../core/scope.ts';
import type { LogFiles } from '../../telemetry/access-log.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import type { ScreenCounts, Screened } from '../admin/traffic.ts';
import type { Route } from './route.ts';
import type { RouteCache } from './routes.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** The parts that all stages of a graph share. */
export interface StageParts {
  readonly scope: Scope;
  /** Aborted when another generation takes new connections: open connections may end at a convenient time. */
  readonly retired: AbortSignal;
  readonly emit: EventSink;
  readonly tunnels: Tunnels;
  readonly logFiles: LogFiles;
  /** The listeners of the whole graph, for the check that a proxy does not dial itself. */
  readonly listeners: () => readonly Listener[];
  readonly routes: RouteCache;
  /** True if other machines reach a stage through the listeners of stages that lead to it. */
  readonly isExposed: (stage: string) => boolean;
  /** Returns the counts of what the screens of a stage decide; absent while nobody counts. */
  readonly countScreens?: (stage: string, of: Screened) => ScreenCounts;
}

/** Prepares the stages of one kind. */
export interface StageKind<S extends Stage<RouteName>> {
  /**
   * Reads the certificates, keys, users and rules of a stage. Nothing listens yet.
   * @throws {TunlError} usage
   */
  prepare(stage: S, parts: StageParts): Promise<ReadyStage>;
}

/** A stage with everything that it needs, ready to take Links. */
export interface ReadyStage {
  readonly stage: Stage<RouteName>;
  readonly route: Route;
  readonly acceptor?: TlsAcceptor;
  /** Dials the destination of the stage; absent if that depends on the request. */
  readonly dial?: Dial;
  /** Dials on behalf of an outer stage; present if the stage does nothing else with its Links. */
  readonly fused?: Dial;
  /**
   * Takes a Link that arrived on one of the stage's listeners. Without `listener` it came from another stage, which
   * keeps the record of its tunnel. Resolves with nothing once the Link is taken, or with the reason why it is not.
   */
  onLink(link: Link, origin: Origin, listener?: Listener): Promise<TunlError | undefined>;
  /**
   * Checks a listener before the stage accepts on it.
   * @throws {TunlError} usage, if the stage would be an open proxy there
   */
  assertListen?(listener: Listener): void;
  /**
   * Reads users, and certificates of upstreams, again.
   * @throws {TunlError} usage
   */
  reload?(): Promise<void>;
  /** Closes the connections that are kept for later requests. */
  close?(): Promise<void>;
}
