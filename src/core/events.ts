import type { TunlError } from './errors.ts';

/** How a tunnel ended. `clean`: both directions ended by themselves with every byte delivered. */
export type TunnelEnd = 'clean' | 'reset' | 'idle' | 'linger' | 'cut';

/** A listener accepts connections. One per listener. */
export interface ListeningEvent {
  readonly event: 'listening';
  /** `127.0.0.1:3128`, `[::1]:3128`, `unix:PATH`. */
  readonly address: string;
  readonly port?: number;
  /** Where its connections go; absent for a proxy. */
  readonly target?: string;
  /** The hops on the way, as URLs without secrets, nearest first. */
  readonly via: readonly string[];
  readonly role: 'forward' | 'serve' | 'admin';
}

/** Whose tunnel it is and where it leads. */
export interface TunnelFacts {
  readonly id: number;
  readonly client: string;
  readonly user?: string;
  /** What was asked for, as far as it could be read. */
  readonly target: string;
  readonly via: readonly string[];
  /** Names of the stages that it led through when there was more than one, outermost first. */
  readonly stages?: readonly string[];
  /** The place that a request of an HTTP stage went to. */
  readonly upstream?: string;
}

/** A tunnel is up: bytes flow from here on. */
export interface TunnelOpenedEvent extends TunnelFacts {
  readonly event: 'tunnel.opened';
}

/** A tunnel that was up has ended. Exactly one for each `tunnel.opened`. */
export interface TunnelClosedEvent extends TunnelFacts {
  readonly event: 'tunnel.closed';
  /** Bytes from the client to the target, and back. */
  readonly sent: number;
  readonly received: number;
  readonly ms: number;
  readonly end: TunnelEnd;
  /** Whose side ended it, unless the end was clean. */
  readonly side?: 'client' | 'target' | 'self';
  readonly reason?: string;
  /** Status of the answer, where the client spoke HTTP. */
  readonly status?: number;
}

/** A tunnel that was asked for did not come up. */
export interface TunnelFailedEvent extends TunnelFacts {
  readonly event: 'tunnel.failed';
  readonly ms: number;
  readonly error: TunlError;
  readonly status?: number;
}

/** The program was asked to stop and lets its tunnels finish. */
export interface DrainingEvent {
  readonly event: 'draining';
  readonly tunnels: number;
  readonly graceMs: number;
}

/** Something worth knowing that fails nothing. */
export interface NoticeEvent {
  readonly event: 'notice';
  readonly level: 'warning' | 'verbose' | 'debug';
  readonly message: string;
}

/** Everything that a running command reports. Messages, JSON lines and tables are written from these. */
export type TunlEvent =
  | ListeningEvent
  | TunnelOpenedEvent
  | TunnelClosedEvent
  | TunnelFailedEvent
  | DrainingEvent
  | NoticeEvent;

/** Receives events as they happen. It never throws. */
export type EventSink = (event: TunlEvent) => void;
