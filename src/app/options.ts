import type { Address, FdAddress, TcpAddress, UnixAddress } from '../core/address.ts';
import type { EventSink } from '../core/events.ts';
import type { Hop, TlsSettings } from '../core/hop.ts';
import type { Scope } from '../core/scope.ts';
import type { Tunnels } from './tunnels.ts';

/** Limits of the phases, in milliseconds. 0 switches a limit off. */
export interface Limits {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  readonly handshakeMs: number;
  readonly idleMs: number;
  readonly lingerMs: number;
}

/** How targets are reached: shared by all commands. */
export interface RouteOptions {
  /** In travel order, the nearest first; empty means direct. */
  readonly hops: readonly HopChoice[];
  readonly limits: Limits;
  /** Use only this address family. */
  readonly family?: 4 | 6;
  /** How often a dial that failed is repeated; 0 where absent. */
  readonly retries?: number;
}

/** One place on the way: alternatives that are tried in turn, at least one. */
export type HopChoice = readonly Hop[];

/** What a command runs in. */
export interface Runtime {
  readonly scope: Scope;
  readonly emit: EventSink;
  /** How long a drain waits for tunnels, in milliseconds. */
  readonly graceMs: number;
  /** Called once, when every listener accepts and before the first `listening` event. What it throws ends the command. */
  readonly onReady?: (addresses: readonly Address[]) => void;
}

/** Where a listener listens. */
export type ListenAddress = TcpAddress | UnixAddress | FdAddress;

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

export interface ServeOptions extends RouteOptions {
  readonly listen: readonly ListenAddress[];
  /** Serve over TLS. Without `cert` and `key` a development certificate is made. */
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly clientCa?: string };
  readonly users: {
    readonly authFile?: string;
    /** One user with a password, from `--user`. */
    readonly single?: { readonly user: string; readonly password: string };
  };
  /** Names of the carriers' switches (`--post`, …): what is accepted beside CONNECT, or instead of it. */
  readonly accept: readonly string[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Serve without authentication on an address that is not loopback. */
  readonly open: boolean;
  /** Tell each target who the client is, before the first byte. */
  readonly proxyProtocol?: 'v1' | 'v2';
}

/** A command that listens, once its listeners are up. */
export interface Running {
  /** In order of the specs or addresses given. */
  readonly addresses: readonly Address[];
  readonly tunnels: Tunnels;
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
