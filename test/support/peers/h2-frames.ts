/** Types of frames (RFC 9113, section 6; ORIGIN: RFC 8336). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
  origin: 12,
} as const;

/** The name of a frame's type. */
export type FrameType = keyof typeof frameTypes;

/** Flags of frames; the same bit means different things in different types. */
export const flags = { none: 0, endStream: 1, ack: 1, endHeaders: 4 } as const;

/** A received frame. */
export interface Frame {
  readonly type: FrameType | undefined;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The preface that a client sends before its first frame (RFC 9113, section 3.4). */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** The length of a frame's head in bytes. */
export const frameHeadBytes = 9;

/** Formats any frame, including invalid ones. */
export function formatFrame(type: FrameType, stream: number, payload: Buffer = Buffer.alloc(0), bits = 0): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + payload.length);
  frame.writeUIntBE(payload.length, 0, 3);
  frame.writeUInt8(frameTypes[type], 3);
  frame.writeUInt8(bits, 4);
  frame.writeUInt32BE(stream, 5);
  payload.copy(frame, frameHeadBytes);
  return frame;
}

/** Parses the first frame of some bytes, if it is complete. */
export function parseFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < frameHeadBytes) return undefined;
  const end = frameHeadBytes + bytes.readUIntBE(0, 3);
  if (bytes.length < end) return undefined;
  const [type] = Object.entries(frameTypes).find(([, number]) => number === bytes[3]) ?? [];
  const stream = bytes.readUInt32BE(5) & 0x7fff_ffff;
  const payload = bytes.subarray(frameHeadBytes, end);
  return { type: type as FrameType | undefined, flags: bytes[4] ?? 0, stream, payload };
}

/** Formats a 32-bit number, as in WINDOW_UPDATE and RST_STREAM. */
export function formatNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A field of a header block: name and value, byte for byte. */
export type Field = readonly [name: string, value: string];

/** Writes fields as literals without indexing and without Huffman coding (RFC 7541, section 6.2.2). */
export function formatFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.of(0), formatText(name), formatText(value)])),
  );
}

/** Writes one field as a literal that enters the dynamic table (RFC 7541, section 6.2.1). */
export function formatIndexedField([name, value]: Field): Buffer {
  return Buffer.concat([Buffer.of(0x40), formatText(name), formatText(value)]);
}

function formatText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([formatInteger(bytes.length), bytes]);
}

/** RFC 7541, section 5.1, with a prefix of 7 bits. */
function formatInteger(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.of(...bytes, rest);
}

/** The statuses in the static table, from index 8 (RFC 7541, appendix A). */
const staticStatuses = [200, 204, 206, 304, 400, 404, 500];

/** Codes of the digits (RFC 7541, appendix B): five bits up to 2, six bits above. */
const digitCodes = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111'];

/** Reads the status, which is the first field, of a response that was written without a dynamic table. */
export function parseStatus(block: Buffer): number {
  let at = 0;
  // Changes of the size of the dynamic table.
  while ((block[at] ?? 0) >> 5 === 1) at++;
  const first = block[at] ?? 0;
  if (first >= 0x80) return staticStatuses[first - 0x88] ?? Number.NaN;
  const length = block[at + 1] ?? 0;
  const text = block.subarray(at + 2, at + 2 + (length & 0x7f));
  if (length < 0x80) return Number(text.toString('latin1'));
  let bits = [...text].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (digits.length < 3) {
    const digit = digitCodes.findIndex((code) => bits.startsWith(code));
    digits += digit;
    bits = bits.slice(digitCodes[digit]?.length ?? 1);
  }
  return Number(digits);
}
