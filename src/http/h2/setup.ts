import type { SessionSetup } from '../../h2/session-base.ts';
import { maxHeadBytes } from '../wire/proxy-answer.ts';

/** How one end of a session is set up: as the engine has it, with limits of time. */
export interface Http2Setup extends SessionSetup {
  /** Within this the peer must have sent its preface and SETTINGS; no limit where absent or 0. */
  readonly beginMs?: number;
  /**
   * A PING this often; a session that has not answered two of them is dead if it also makes no progress: within the last
   * interval nothing came, and nothing left that had to wait. 0 = never.
   */
  readonly pingMs: number;
}

const kib = 1024;
const mib = 1024 * kib;

/** The settings that all set-ups share. */
const common = {
  sessionWindowBytes: 16 * mib,
  pingMs: 10_000,
  cleanResets: new Set<number>(),
  // Pseudo-fields count.
  maxFields: 128,
  // As Istio's ztunnel does. DATA is passed on while it comes, so nothing waits for the end of a frame.
  maxFrameBytes: mib,
  extendedConnect: false,
};

/** The set-up of our sessions with hops. Its windows are those of Istio's ztunnel. */
export const clientSetup: Http2Setup = {
  ...common,
  streamWindowBytes: 4 * mib,
  maxStreams: 100,
  maxHeaderBytes: maxHeadBytes,
  // As many fields as there is room for: no answer is refused for their number.
  maxFields: maxHeadBytes / 32,
};

/** The set-up of sessions in which clients ask for tunnels. Its windows are those of Istio's ztunnel. */
export const serverSetup: Http2Setup = {
  ...common,
  streamWindowBytes: 4 * mib,
  maxStreams: 1000,
  maxHeaderBytes: 64 * kib,
};

/**
 * The set-up of sessions in which clients send requests. A slow upstream makes us keep at most a window for one stream,
 * and the session's window for all of them; the head is the largest that Envoy takes.
 */
export const requestServerSetup: Http2Setup = {
  ...common,
  streamWindowBytes: mib,
  maxStreams: 1000,
  maxHeaderBytes: 60 * kib,
};

/**
 * The set-up of our sessions with upstreams of requests. A slow client makes us keep at most a window for one stream, and
 * the session's window for all of them; the head is the largest that Envoy takes.
 */
export const upstreamSetup: Http2Setup = {
  ...common,
  streamWindowBytes: 256 * kib,
  maxStreams: 1000,
  maxHeaderBytes: 60 * kib,
};

/** The settings of ztunnel, and its codes for a clean end: NO_ERROR and CANCEL (RFC 9113, section 7). */
export const hboneSetup = {
  startWindowBytes: 4 * mib,
  announcesFrames: true,
  cleanResets: new Set([0x0, 0x8]),
} as const;
