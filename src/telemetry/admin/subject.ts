import type { Address } from '../../core/address.ts';
import type { Stat } from '../stat.ts';

/** Whether new work is welcome, in the words of Envoy. */
export type State = 'LIVE' | 'DRAINING';

/** How much is logged, in the words of Envoy. */
export const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type Level = (typeof levels)[number];

/** A listener that accepts, as bound. */
export interface ListenerFacts {
  /** Of the stage that has it. */
  readonly name: string;
  readonly address: Address;
}

/** What has been counted of the connections to one place. */
export interface ConnectionCounts {
  readonly total: number;
  readonly active: number;
  readonly connectFail: number;
}

/** Where a stage, or a part of it, leads to. */
export interface ClusterFacts {
  readonly name: string;
  /** The places that are known beforehand. */
  readonly hosts: readonly { readonly address: Address; readonly counts: ConnectionCounts }[];
}

/** An open tunnel, or one on its way. */
export interface TunnelFacts {
  readonly id: number;
  readonly peer: string;
  readonly user: string | null;
  readonly target: string;
  /** Names of the stages that it leads through, outermost first. */
  readonly stages: readonly string[];
  /** The proxies on the way, as URLs without secrets. */
  readonly via: readonly string[];
  readonly state: 'dialling' | 'open';
  readonly ageMs: number;
  /** Bytes from the client to the target, and back; and of late, per second. */
  readonly sent: number;
  readonly received: number;
  readonly sentRate: number;
  readonly receivedRate: number;
}

/** A certificate of a listener. */
export interface CertificateFacts {
  readonly path: string;
  readonly serialNumber: string;
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** The running program, as the admin address tells of it and orders it. */
export interface Subject {
  readonly version: string;
  /** Milliseconds since the start of the program. */
  readonly uptimeMs: () => number;
  readonly state: () => State;
  readonly listListeners: () => readonly ListenerFacts[];
  readonly listClusters: () => readonly ClusterFacts[];
  readonly listTunnels: () => readonly TunnelFacts[];
  readonly listCertificates: () => Promise<readonly CertificateFacts[]>;
  readonly listStats: () => readonly Stat[];
  /** What runs, as the object that a file says, with no secret in it. */
  readonly dumpConfig: () => Promise<object>;
  /** What runs, as an SVG document with what is live in it, with no secret in it. */
  readonly drawGraph: () => Promise<string>;
  /** Ends a tunnel with a reset to both sides; false where there is no such. */
  readonly cutTunnel: (id: number) => boolean;
  /** Closes the listeners; tunnels live on, and so does the program. */
  readonly closeListeners: () => void;
  /** Does what the first signal does: closes the listeners, lets tunnels finish within the grace, and ends. */
  readonly drain: () => void;
  /** Ends the program now. */
  readonly quit: () => void;
  /** Says `DRAINING` to whoever asks, or takes that back. */
  readonly setHealth: (health: 'failed' | 'passed') => void;
  readonly level: () => Level;
  readonly setLevel: (level: Level) => void;
}
