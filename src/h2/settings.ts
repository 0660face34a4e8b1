import { ConnectionFault, errorCodes, firstWindowBytes, mostBytes, usualFrameBytes } from './codes.ts';

/** Identifiers of settings (RFC 9113, section 6.5.2; RFC 8441, section 3). */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** One setting. */
export type Setting = readonly [id: number, value: number];

const entryBytes = 6;

/** The most settings that we read in one frame. */
const maxEntries = 32;

/** The settings of a peer. */
export class PeerSettings {
  headerTableBytes = 4096;
  /** `undefined`: without a limit. */
  maxStreams: number | undefined;
  windowBytes = firstWindowBytes;
  maxFrameBytes = usualFrameBytes;
  takesExtendedConnect = false;

  /** It takes larger frames than everybody has to. */
  get takesLargeFrames(): boolean {
    return this.maxFrameBytes > usualFrameBytes;
  }

  /**
   * Reads the payload of a SETTINGS frame.
   * @throws {ConnectionFault} as RFC 9113, sections 6.5 and 6.5.2 say
   */
  apply(payload: Buffer): void {
    if (payload.length % entryBytes !== 0) {
      throw new ConnectionFault(errorCodes.frameSizeError, 'SETTINGS of a length that cannot be');
    }
    if (payload.length > maxEntries * entryBytes) {
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'too many settings in one frame');
    }
    for (let at = 0; at < payload.length; at += entryBytes) {
      this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
  }

  #set(id: number, value: number): void {
    switch (id) {
      case settingIds.headerTableSize:
        this.headerTableBytes = value;
        break;
      case settingIds.enablePush:
        if (value > 1) throw invalid('ENABLE_PUSH');
        break;
      case settingIds.maxConcurrentStreams:
        this.maxStreams = value;
        break;
      case settingIds.initialWindowSize:
        if (value > mostBytes)
          throw new ConnectionFault(errorCodes.flowControlError, 'INITIAL_WINDOW_SIZE is too large');
        this.windowBytes = value;
        break;
      case settingIds.maxFrameSize:
        if (value < usualFrameBytes || value > 0xff_ffff) throw invalid('MAX_FRAME_SIZE');
        this.maxFrameBytes = value;
        break;
      case settingIds.enableConnectProtocol:
        // RFC 8441, section 3: it is not taken back.
        if (value > 1 || (this.takesExtendedConnect && value === 0)) throw invalid('ENABLE_CONNECT_PROTOCOL');
        this.takesExtendedConnect = value === 1;
        break;
      default:
    }
  }
}

function invalid(name: string): ConnectionFault {
  return new ConnectionFault(errorCodes.protocolError, `the value of ${name} is not valid`);
}

/** Writes the payload of a SETTINGS frame. */
export function formatSettings(settings: readonly Setting[]): Buffer {
  const payload = Buffer.allocUnsafe(settings.length * entryBytes);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * entryBytes);
    payload.writeUInt32BE(value, index * entryBytes + 2);
  });
  return payload;
}
