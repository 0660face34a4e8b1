import type { Graph, ProxyStage, RouteOptions } from '../../chain/model/graph.ts';
import type { Address, ListenAddress, TcpAddress, UnixAddress } from '../../core/address.ts';
import type { TlsSettings } from '../../core/hop.ts';

export type { Graph, HopChoice, Limits, RouteOptions } from '../../chain/model/graph.ts';

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
