import type { Address } from '../../core/address.ts';
import type { HistogramStat, Stat } from '../stat.ts';

/** The state of the program in Envoy's words: whether it accepts new work. */
export type State = 'LIVE' | 'DRAINING';

/** Levels of logging in Envoy's words. */
export const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof levels)[number];

/** An open listener, with its address as bound. */
export interface ListenerFacts {
  /** Name of its stage. */
  readonly name: string;
  readonly address: Address;
}

/** Counts of the connections to one address. */
export interface ConnectionCounts {
  readonly total: number;
  readonly active: number;
  readonly connectFail: number;
}

/** The upstream of a stage, or of a part of it. */
export interface ClusterFacts {
  readonly name: string;
  /** The addresses that are known in advance. */
  readonly hosts: readonly { readonly address: Address; readonly counts: ConnectionCounts }[];
}

/** A tunnel that is open or being opened. */
export interface TunnelFacts {
  readonly id: number;
  readonly peer: string;
  readonly user: string | null;
  readonly target: string;
  /** Names of the stages that it passes, outermost first. */
  readonly stages: readonly string[];
  /** The proxies on the way, as URLs without secrets. */
  readonly via: readonly string[];
  /** `waiting`: its connection was cut, and it waits for another. */
  readonly state: 'dialling' | 'open' | 'waiting';
  /** How often it went on over another connection. */
  readonly resumed: number;
  readonly ageMs: number;
  /** Bytes from the client to the target, and back; the rates are recent bytes per second. */
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

/** The bytes of all tunnels. */
export interface TotalFacts {
  /** Tunnels and requests that are open or on their way, and those that were asked for since the start. */
  readonly open: number;
  readonly asked: number;
  /** Failures since the start. */
  readonly failed: number;
  readonly sent: number;
  readonly received: number;
  /** The bytes per second, sent and received, of each second of the last minute, the oldest first. */
  readonly minute: readonly (readonly [sent: number, received: number])[];
}

/** A stage of the running graph. */
export interface StageFacts {
  readonly name: string;
  readonly job: string;
  readonly open: number;
  readonly sent: number;
  readonly received: number;
  readonly sentRate: number;
  readonly receivedRate: number;
  /** Answers per second from 1xx to 5xx; null if the stage has not answered any request. */
  readonly answers: readonly number[] | null;
}

/** A tunnel or request that failed. */
export interface FailureFacts {
  /** Counts from 1 since the start. */
  readonly number: number;
  /** In UTC, as ISO 8601 writes it. */
  readonly time: string;
  readonly id: number;
  readonly stage: string;
  readonly peer: string;
  readonly user: string | null;
  readonly target: string;
  readonly cause: string;
  readonly code: string;
  readonly side: 'client' | 'hop' | 'target' | 'self';
  /** The hop at fault, as a URL without secrets. */
  readonly hop: string | null;
  readonly phase: string | null;
}

/** The last reading of the files of the running graph. Times are in UTC, as ISO 8601 writes them. */
export interface ReadingFacts {
  readonly time: string;
  /** What was wrong with them since then, so that what was read before is still in use. */
  readonly failure: { readonly time: string; readonly cause: string } | null;
}

/** The running program, as the admin address shows and controls it. */
export interface Subject {
  readonly version: string;
  /** Milliseconds since the start of the program. */
  readonly uptimeMs: () => number;
  readonly state: () => State;
  readonly listListeners: () => readonly ListenerFacts[];
  readonly listClusters: () => readonly ClusterFacts[];
  readonly listTunnels: () => readonly TunnelFacts[];
  readonly readTotals: () => TotalFacts;
  readonly listStages: () => readonly StageFacts[];
  /** Lists the last failures, the newest first. */
  readonly listFailures: () => readonly FailureFacts[];
  readonly lastReading: () => ReadingFacts;
  readonly listCertificates: () => Promise<readonly CertificateFacts[]>;
  readonly listStats: () => readonly Stat[];
  readonly listHistograms: () => readonly HistogramStat[];
  /** The running configuration as the contents of a file, without secrets. */
  readonly dumpConfig: () => Promise<object>;
  /** The running stages with their live counts as an SVG document, without secrets. */
  readonly drawGraph: () => Promise<string>;
  /** Ends a tunnel with a reset to both sides; false if there is no such tunnel. */
  readonly cutTunnel: (id: number) => boolean;
  /** Closes the listeners; the tunnels and the program go on. */
  readonly closeListeners: () => void;
  /** Acts like the first signal: closes the listeners, lets tunnels finish within the grace period, and ends. */
  readonly drain: () => void;
  /** Ends the program now. */
  readonly quit: () => void;
  /** Makes `/ready` report `DRAINING`, or takes that back. */
  readonly setHealth: (health: 'failed' | 'passed') => void;
  readonly level: () => LogLevel;
  readonly setLevel: (level: LogLevel) => void;
}
