import type { Address } from '../core/address.ts';
import type { EventSink } from '../core/events.ts';
import type { Scope } from '../core/scope.ts';
import type { LogLevel } from '../telemetry/admin/subject.ts';
import type { Tunnels } from './tunnel/tunnels.ts';

/** The environment of a command that runs. */
export interface Runtime {
  readonly scope: Scope;
  readonly emit: EventSink;
  /** The time that a drain waits for tunnels, in milliseconds. */
  readonly graceMs: number;
  /**
   * Whether certificates, keys and authorities are read again when their files change. Default: if the graph has
   * certificates of a mesh.
   */
  readonly watchFiles?: boolean;
  /** Lets the admin address change the log level. */
  readonly output?: OutputControl;
  /**
   * Called when every listener accepts, before the first `listening` event, and again after a reload that opened or
   * closed listeners. An error that it throws the first time ends the command.
   */
  readonly onReady?: (addresses: readonly Address[]) => void;
}

/** Reads and sets the log level of a command. */
export interface OutputControl {
  level(): LogLevel;
  setLevel(level: LogLevel): void;
}

/** A command that listens, once its listeners are up. */
export interface Running {
  /** In order of the specs or addresses given. */
  readonly addresses: readonly Address[];
  readonly tunnels: Tunnels;
  /** Draws the current stages with the live tunnels of each; absent if the command has no chain to draw. */
  readonly draw?: (width: number) => Promise<string>;
  /**
   * Reads certificates, keys and users again, for new connections; open tunnels continue. Absent if there is nothing to
   * read.
   * @throws {TunlError} usage, naming the fault; the faulty part stays as it was
   */
  readonly reload?: () => Promise<void>;
  /**
   * Resolves when the scope has been drained or forced and everything of the command has ended, with the number of
   * tunnels that had to be cut.
   */
  readonly done: Promise<number>;
}
