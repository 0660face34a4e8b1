import type { TunlError } from './errors.ts';

/** The way in which a tunnel ended. `clean`: both directions ended by themselves with every byte delivered. */
export type TunnelEnd = 'clean' | 'reset' | 'idle' | 'linger' | 'cut';

/** A listener accepts connections. There is one event for each listener. */
export interface ListeningEvent {
  readonly event: 'listening';
  /** `127.0.0.1:3128`, `[::1]:3128`, `unix:PATH`. */
  readonly address: string;
  readonly port?: number;
  /** The target of its connections; absent for a proxy. */
  readonly target?: string;
  /** The kind of front that clients meet there (`socks`, `http`, `any`), if the user named one. */
  readonly front?: string;
  /** The hops on the way, as URLs without secrets, nearest first. */
  readonly via: readonly string[];
  readonly role: 'forward' | 'serve' | 'admin';
}

/** The client and the target of a tunnel. */
export interface TunnelFacts {
  readonly id: number;
  readonly client: string;
  readonly user?: string;
  /** The target that the client asked for, as far as the request could be read. */
  readonly target: string;
  readonly via: readonly string[];
  /** Names of the stages that it passed if there was more than one, outermost first. */
  readonly stages?: readonly string[];
  /** The upstream to which an HTTP stage sent the request. */
  readonly upstream?: string;
}

/** A tunnel is up: bytes flow from here on. */
export interface TunnelOpenedEvent extends TunnelFacts {
  readonly event: 'tunnel.opened';
}

/** An open tunnel has lost its transport, and waits for another. */
export interface TunnelWaitingEvent extends TunnelFacts {
  readonly event: 'tunnel.waiting';
  readonly reason: string;
}

/** An open tunnel goes on over another transport. */
export interface TunnelResumedEvent extends TunnelFacts {
  readonly event: 'tunnel.resumed';
  /** How often it has gone on so far. */
  readonly resumed: number;
}

/** An open tunnel has ended. There is exactly one for each `tunnel.opened`. */
export interface TunnelClosedEvent extends TunnelFacts {
  readonly event: 'tunnel.closed';
  /** Bytes from the client to the target, and back. */
  readonly sent: number;
  readonly received: number;
  readonly ms: number;
  readonly end: TunnelEnd;
  /** The side that ended it, unless the end was clean. */
  readonly side?: 'client' | 'target' | 'self';
  readonly reason?: string;
  /** HTTP status of the answer, if the client spoke HTTP. */
  readonly status?: number;
  /** How often it went on over another transport, if it did. */
  readonly resumed?: number;
}

/** A requested tunnel could not be opened. */
export interface TunnelFailedEvent extends TunnelFacts {
  readonly event: 'tunnel.failed';
  readonly ms: number;
  readonly error: TunlError;
  readonly status?: number;
}

/** The program was asked to stop and is letting its tunnels finish. */
export interface DrainingEvent {
  readonly event: 'draining';
  readonly tunnels: number;
  readonly graceMs: number;
}

/** A warning or a detail; nothing has failed. */
export interface NoticeEvent {
  readonly event: 'notice';
  readonly level: 'warning' | 'verbose' | 'debug';
  readonly message: string;
  /** The answer that a user waits for: a terminal shows it at every level but the quiet one. */
  readonly isAnswer?: true;
}

/** Everything that a running command reports, the source of all messages, JSON lines and tables. */
export type TunlEvent =
  | ListeningEvent
  | TunnelOpenedEvent
  | TunnelWaitingEvent
  | TunnelResumedEvent
  | TunnelClosedEvent
  | TunnelFailedEvent
  | DrainingEvent
  | NoticeEvent;

/** A receiver of events as they happen. It never throws. */
export interface EventSink {
  (event: TunlEvent): void;
  /** True if notices of a level are shown now; others need not be made. Absent if all of them are. */
  readonly shows?: (level: NoticeEvent['level']) => boolean;
}

/** A sink that tells `note` of each event and then passes it on. */
export function noting(emit: EventSink, note: (event: TunlEvent) => void): EventSink {
  const { shows } = emit;
  const both = (event: TunlEvent) => {
    note(event);
    emit(event);
  };
  return Object.assign(both, shows && { shows });
}
