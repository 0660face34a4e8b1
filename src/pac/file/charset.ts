/** The marks at the beginning of a file that tell its encoding. */
const marks: readonly (readonly [bytes: readonly number[], encoding: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** Decodes a PAC file by its mark, or else by the charset of its Content-Type, or else as ISO-8859-1, as Chrome does. */
export function decodePac(bytes: Buffer, contentType = ''): string {
  const mark = marks.find(([start]) => start.every((byte, index) => bytes[index] === byte));
  const [, named = 'latin1'] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? [];
  try {
    return new TextDecoder(mark?.[1] ?? named).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
