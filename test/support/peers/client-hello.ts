import { randomBytes } from 'node:crypto';

/** The variable parts of a hello. */
export interface HelloOptions {
  /** The bytes of the server name, valid or not; without it there is no such extension. */
  readonly serverName?: Buffer;
  /** The length of an additional, unknown extension in bytes. */
  readonly ballastBytes?: number;
}

const maxRecordBytes = 16_384;

/** Prepends the length, in this number of bytes. */
function withLength(lengthBytes: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(body.length, 0, lengthBytes);
  return Buffer.concat([length, body]);
}

function formatExtension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 0xff), withLength(2, body)]);
}

/** Writes the ClientHello of a TLS 1.2 client (RFC 5246, section 7.4.1.2), in as many records as necessary. */
export function formatClientHello({ serverName, ballastBytes }: HelloOptions): Buffer {
  const extensions = [
    ...(serverName ? [formatExtension(0, withLength(2, Buffer.of(0), withLength(2, serverName)))] : []),
    // Groups, signatures and point formats of a client that can do P-256 only.
    formatExtension(10, withLength(2, Buffer.of(0, 0x17))),
    formatExtension(13, withLength(2, Buffer.of(4, 3))),
    formatExtension(11, withLength(1, Buffer.of(0))),
    formatExtension(16, withLength(2, withLength(1, Buffer.from('h2')))),
    ...(ballastBytes === undefined ? [] : [formatExtension(0xfafa, Buffer.alloc(ballastBytes))]),
  ];
  // ECDHE-ECDSA-AES128-GCM-SHA256, no session, no compression.
  const ciphers = withLength(2, Buffer.of(0xc0, 0x2b));
  const body = [Buffer.of(3, 3), randomBytes(32), Buffer.of(0), ciphers, Buffer.of(1, 0), withLength(2, ...extensions)];
  const message = Buffer.concat([Buffer.of(1), withLength(3, ...body)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += maxRecordBytes) {
    records.push(Buffer.of(22, 3, 1), withLength(2, message.subarray(at, at + maxRecordBytes)));
  }
  return Buffer.concat(records);
}
