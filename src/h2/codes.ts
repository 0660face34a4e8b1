/** Types of frames (RFC 9113, section 6). */
export const frameTypes = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  resetStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Flags of frames; the same bit means different things in different types. */
export const flags = { none: 0x0, endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Error codes (RFC 9113, section 7). */
export const errorCodes = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

const names = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of an error code (RFC 9113, section 7). */
export function errorName(code = 0): string {
  return names[code] ?? `code ${code}`;
}

/** The bytes of a frame's head. */
export const frameHeadBytes = 9;

/** The largest payload that every peer takes (RFC 9113, section 4.2), and the most that we take in frames without data. */
export const usualFrameBytes = 16_384;

/** The largest window (RFC 9113, section 6.9.1) and the largest number of a stream. */
export const mostBytes = 0x7fff_ffff;

/** The window with which HTTP/2 starts (RFC 9113, section 6.9.2). */
export const firstWindowBytes = 65_535;

/** What a client sends before its first frame (RFC 9113, section 3.4). */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** A fault of the peer that ends the whole connection (RFC 9113, section 5.4.1). */
export class ConnectionFault extends Error {
  /** The code of the GOAWAY. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'ConnectionFault';
    this.code = code;
  }
}
