import type { Stage, RouteName } from '../../chain/model/graph.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import type { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Link } from '../../core/link.ts';
import type { Listener } from '../../core/listener.ts';
import type { Scope } from '../../core/scope.ts';
import type { LogFiles } from '../../telemetry/access-log.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import type { Route } from './route.ts';
import type { RouteCache } from './routes.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** What a stage shares with the others of its graph. */
export interface StageParts {
  readonly scope: Scope;
  /** Aborted when another generation takes the new connections: those that are open may end when it suits them. */
  readonly retired: AbortSignal;
  readonly emit: EventSink;
  readonly tunnels: Tunnels;
  readonly logFiles: LogFiles;
  /** The listeners of the whole graph, for the check that a proxy does not dial itself. */
  readonly listeners: () => readonly Listener[];
  readonly routes: RouteCache;
}

/** How stages of one kind are made ready. */
export interface StageKind<S extends Stage<RouteName>> {
  /**
   * Reads what the stage needs: certificates, keys, users, rules. Nothing listens yet.
   * @throws {TunlError} usage
   */
  prepare(stage: S, parts: StageParts): Promise<ReadyStage>;
}

/** A stage with all that it needs, ready to take Links. */
export interface ReadyStage {
  readonly stage: Stage<RouteName>;
  readonly route: Route;
  readonly acceptor?: TlsAcceptor;
  /** Dials what the stage leads to; absent where that depends on what is asked for. */
  readonly dial?: Dial;
  /** Dials for an outer stage, where this one does nothing else with its Links. */
  readonly fused?: Dial;
  /**
   * Takes a Link that arrived on one of the stage's listeners. Without a listener it came from another stage, which
   * has the record of its tunnel. Resolves once it is known that the Link is taken, or with the reason why it is not.
   */
  onLink(link: Link, origin: Origin, listener?: Listener): Promise<TunlError | undefined>;
  /**
   * Judges an address that the stage is about to accept on.
   * @throws {TunlError} usage, when the stage would be an open proxy there
   */
  assertListen?(listener: Listener): void;
  /**
   * Reads users, and certificates of upstreams, again.
   * @throws {TunlError} usage
   */
  reload?(): Promise<void>;
  /** Ends the connections that are kept for later requests. */
  close?(): Promise<void>;
}
