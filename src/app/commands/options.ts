import type { Graph, HopChoice, ProxyStage, RouteOptions, StagePolicy } from '../../chain/model/graph.ts';
import type { Address, ListenAddress, TcpAddress, UnixAddress } from '../../core/address.ts';
import type { TunlEvent } from '../../core/events.ts';
import type { TlsSettings } from '../../core/hop.ts';
import type { ProxyValues } from '../../syntax/stage-settings.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

export type { Graph, HopChoice, Limits, RouteOptions, StagePolicy } from '../../chain/model/graph.ts';

/** One SPEC of `forward`. */
export interface ForwardSpec {
  readonly listen: ListenAddress;
  readonly target: TcpAddress | UnixAddress;
}

/** A SPEC of `forward` whose clients name their targets in a protocol of proxies. */
export interface FrontSpec {
  readonly listen: ListenAddress;
  /** True if all targets are reached on its way, whatever `matches` has for them. */
  readonly hasOwnWay?: boolean;
  /** The kind of front: `socks`, `http`, or `any` for both. */
  readonly front: string;
}

/** Options of `connect`. */
export interface ConnectOptions extends RouteOptions {
  readonly target: TcpAddress;
  /** True to dial the target only, once, and relay nothing. */
  readonly check?: boolean;
  /** The settings of TLS to the target, inside the tunnel; absent for plain bytes. */
  readonly targetTls?: TlsSettings;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /**
   * True if stdin and stdout are the same Unix socket; the process that created it may expect a descriptor instead of
   * bytes.
   */
  readonly isOneUnixSocket: boolean;
  /** Closes the descriptor of stdout once its last byte is written. */
  readonly closeStdout: () => void;
  /** The environment that names the folder for caches; without it nothing is remembered about proxies. */
  readonly cacheEnv?: Readonly<Record<string, string | undefined>>;
}

/** The way to the targets that a pattern fits. */
export interface MatchedWay {
  readonly pattern: string;
  /** The rule as a phrase: `match *.corp says @work (config.yaml:4:5)`. */
  readonly rule: string;
  readonly hops: readonly HopChoice[];
}

/** Options of `forward`. */
export interface ForwardOptions extends RouteOptions {
  readonly specs: readonly (ForwardSpec | FrontSpec)[];
  /** The users and the rules of the fronts among them. */
  readonly access?: FrontAccess;
  /** True to dial every target once before anything listens. */
  readonly check?: boolean;
  /** The hops of each SPEC, where they differ. Equal ways are the same object. Default: `hops` for all. */
  readonly ways?: readonly (readonly HopChoice[])[];
  /** The ways to some targets of clients, for the fronts that have no way of their own. Default: none. */
  readonly matches?: readonly MatchedWay[];
  /** The environment that names the folder for caches; without it nothing that earlier runs learned is used. */
  readonly cacheEnv?: Readonly<Record<string, string | undefined>>;
}

/** The users of fronts, their rules for targets, and whether everyone may use them. */
export type FrontAccess = Pick<StagePolicy, 'users' | 'allow' | 'deny'> & Pick<ProxyValues, 'open'>;

/** Options of a proxy; it is one stage, and the options are its route. */
export interface ServeOptions
  extends
    RouteOptions,
    Pick<Graph, 'admin' | 'adminOpen'>,
    Pick<ProxyStage, 'tls' | 'accept'>,
    StagePolicy,
    ProxyValues {
  readonly listen: readonly ListenAddress[];
}

/** The part of a process in the background that learns from its command what to tell others. */
export interface RunningInstance {
  /** Notes an event that the status tells of. */
  note(event: TunlEvent): void;
  /** Notes the addresses that accept now. */
  noteAddresses(addresses: readonly Address[]): void;
  /** Says that everything listens. */
  noteReady(tunnels: Tunnels): void;
}
