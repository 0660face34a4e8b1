import { expect, test } from 'vitest';
import { HpackError } from '../../../src/h2/hpack/error.ts';
import { decodeHuffman } from '../../../src/h2/hpack/huffman.ts';

/** Codes of RFC 7541, appendix B: the controls, which no field holds, and one of each length. */
const codes: readonly (readonly [byte: number, code: number, bits: number])[] = [
  [0, 0x1ff8, 13],
  [1, 0x7fffd8, 23],
  [2, 0xfffffe2, 28],
  [8, 0xfffffe8, 28],
  [9, 0xffffea, 24],
  [10, 0x3ffffffc, 30],
  [11, 0xfffffe9, 28],
  [12, 0xfffffea, 28],
  [13, 0x3ffffffd, 30],
  [14, 0xfffffeb, 28],
  [21, 0xffffff2, 28],
  [22, 0x3ffffffe, 30],
  [23, 0xffffff3, 28],
  [31, 0xffffffb, 28],
  [32, 0x14, 6],
  [33, 0x3f8, 10],
  [48, 0x0, 5],
  [58, 0x5c, 7],
  [127, 0xffffffc, 28],
];

/** Writes codes one behind the other, with ones behind the last. */
function pack(parts: readonly (readonly [code: number, bits: number])[], padding = '1'): Buffer {
  let bits = parts.map(([code, length]) => code.toString(2).padStart(length, '0')).join('');
  while (bits.length % 8 !== 0) bits += padding;
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

const decode = (bytes: Buffer) => decodeHuffman(bytes, 0, bytes.length);

test.each(codes)('byte %i has the code that RFC 7541 gives it', (byte, code, bits) => {
  const char = String.fromCharCode(byte);
  // At each distance from the border of a byte: the codes of `0` and of a space have five and six bits.
  for (let zeros = 0; zeros < 8; zeros++) {
    const before = Array.from({ length: zeros }, () => [0, 5] as const);
    expect(decode(pack([...before, [code, bits], [0x14, 6]]))).toBe(`${'0'.repeat(zeros)}${char} `);
  }
});

test('no bytes are an empty string', () => {
  expect(decode(Buffer.alloc(0))).toBe('');
});

test('only the part of the buffer counts', () => {
  const bytes = Buffer.concat([Buffer.of(0xff), pack([[0, 5]]), Buffer.of(0xff)]);
  expect(decodeHuffman(bytes, 1, 2)).toBe('0');
});

test('a string that is longer than usual is whole', () => {
  expect(decode(Buffer.alloc(50_000))).toBe('0'.repeat(80_000));
});

test.each([
  ['a whole byte', Buffer.of(0xff)],
  ['a whole byte more than is needed', Buffer.concat([pack([[0, 5]]), Buffer.of(0xff)])],
  ['zeros', pack([[0x14, 6]], '0')],
  ['a bit that is not one', Buffer.of(0b0000_0110)],
])('padding of %s is refused', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(HpackError);
});

test.each([
  ['at the end', pack([[0x3fffffff, 30]])],
  [
    'in the middle',
    pack([
      [0, 5],
      [0x3fffffff, 30],
      [0, 5],
    ]),
  ],
  [
    'across the border of a byte',
    pack([
      [0x14, 6],
      [0x3fffffff, 30],
    ]),
  ],
])('EOS %s is refused', (_, bytes) => {
  expect(() => decode(bytes)).toThrow('EOS');
});
