import type { Dial, Origin } from '../core/dialer.ts';
import type { TunlError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Link } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';
import type { Scope } from '../core/scope.ts';
import type { LogFiles } from '../telemetry/access-log.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import type { Tunnels } from './tunnels.ts';

/** What a stage shares with the others of its graph, and what is its own. */
export interface StageParts {
  readonly scope: Scope;
  /** Aborted when another generation takes the new connections: those that are open may end when it suits them. */
  readonly retired: AbortSignal;
  readonly emit: EventSink;
  readonly tunnels: Tunnels;
  readonly logFiles: LogFiles;
  readonly acceptor?: TlsAcceptor;
  /** Its Links come from other stages, which have the records of their tunnels. */
  readonly isInside: boolean;
  /** The listeners of the whole graph, for the check that a proxy does not dial itself. */
  readonly listeners: () => readonly Listener[];
}

/** A stage that is ready to take Links. */
export interface StageRunner {
  /**
   * Takes a Link that arrived on one of the stage's listeners; without one it came from inside. Resolves once it is
   * known that it is taken, or with the reason why it is not.
   */
  onLink(link: Link, origin: Origin, listener: Listener | undefined): Promise<TunlError | undefined>;
  /** Dials for an outer stage, where this one does nothing else with its Links. */
  readonly fused?: Dial;
  /** Dials what the stage leads to, where that does not depend on what is asked for. */
  readonly dial?: Dial;
  /**
   * Reads users again.
   * @throws {TunlError} usage
   */
  reload?(): Promise<void>;
  /** Ends the connections that are kept for later requests. */
  close?(): Promise<void>;
}
