import type { Graph, ProxyStage, RouteOptions } from '../chain/model/graph.ts';
import type { Address, ListenAddress, TcpAddress, UnixAddress } from '../core/address.ts';
import type { EventSink } from '../core/events.ts';
import type { TlsSettings } from '../core/hop.ts';
import type { Scope } from '../core/scope.ts';
import type { Level } from '../telemetry/admin/subject.ts';
import type { Tunnels } from './tunnel/tunnels.ts';

export type { Graph, HopChoice, Limits, RouteOptions } from '../chain/model/graph.ts';

/** What a command runs in. */
export interface Runtime {
  readonly scope: Scope;
  readonly emit: EventSink;
  /** How long a drain waits for tunnels, in milliseconds. */
  readonly graceMs: number;
  /** Lets the admin address change how much is said. */
  readonly voice?: VoiceControl;
  /** Called when every listener accepts, before the first `listening` event, and again after a reload that opened or closed some. What it throws the first time ends the command. */
  readonly onReady?: (addresses: readonly Address[]) => void;
}

/** How much a command says, in the words of a log. */
export interface VoiceControl {
  level(): Level;
  setLevel(level: Level): void;
}

/** One SPEC of `forward`. */
export interface ForwardSpec {
  readonly listen: ListenAddress;
  readonly target: TcpAddress | UnixAddress;
}

export interface ConnectOptions extends RouteOptions {
  readonly target: TcpAddress;
  /** Only dial the target, once; nothing is relayed. */
  readonly check?: boolean;
  /** Wrap the payload in TLS to the target. */
  readonly targetTls?: TlsSettings;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Both are one Unix socket: whoever made it may expect something else than bytes. */
  readonly isOneUnixSocket: boolean;
  /** Closes the descriptor of stdout once its last byte is out. */
  readonly closeStdout: () => void;
}

export interface ForwardOptions extends RouteOptions {
  readonly specs: readonly ForwardSpec[];
  /** Dial every target once before anything listens. */
  readonly check?: boolean;
  /** Targets of specs that are reached without any hop, whatever `hops` says. */
  readonly direct?: ReadonlySet<Address>;
}

/** A proxy: one stage, whose route is the options themselves. */
export interface ServeOptions
  extends
    RouteOptions,
    Pick<Graph, 'admin' | 'adminOpen'>,
    Pick<ProxyStage, 'tls' | 'users' | 'accept' | 'allow' | 'deny' | 'open' | 'caps' | 'proxyProtocol'> {
  readonly listen: readonly ListenAddress[];
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
