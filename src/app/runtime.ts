import type { Address } from '../core/address.ts';
import type { EventSink } from '../core/events.ts';
import type { Scope } from '../core/scope.ts';
import type { LogLevel } from '../telemetry/admin/subject.ts';
import type { Tunnels } from './tunnel/tunnels.ts';

/** What a command runs in. */
export interface Runtime {
  readonly scope: Scope;
  readonly emit: EventSink;
  /** How long a drain waits for tunnels, in milliseconds. */
  readonly graceMs: number;
  /** Lets the admin address change how much is said. */
  readonly output?: OutputControl;
  /** Called when every listener accepts, before the first `listening` event, and again after a reload that opened or closed some. What it throws the first time ends the command. */
  readonly onReady?: (addresses: readonly Address[]) => void;
}

/** How much a command says, in the words of a log. */
export interface OutputControl {
  level(): LogLevel;
  setLevel(level: LogLevel): void;
}

/** A command that listens, once its listeners are up. */
export interface Running {
  /** In order of the specs or addresses given. */
  readonly addresses: readonly Address[];
  readonly tunnels: Tunnels;
  /** The stages as they run now, drawn with what is live in each; absent where there is only one kind of them. */
  readonly draw?: (width: number) => Promise<string>;
  /**
   * Reads certificates, keys and users again, for what is still to come; tunnels that are open live on.
   * Absent where there is nothing to read.
   * @throws {TunlError} usage, naming what is wrong; that part stays as it was
   */
  readonly reload?: () => Promise<void>;
  /**
   * Resolves when the scope was drained or forced and nothing of the command is left; with the
   * number of tunnels that had to be cut.
   */
  readonly done: Promise<number>;
}
