import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskBytes, maskTo, turnMask } from '../../src/websocket/mask.ts';

/** The definition of RFC 6455, section 5.3. */
const defined = (bytes: Buffer, mask: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(mask >>> 0);
  return Buffer.from(bytes.map((byte, index) => byte ^ (four[index % 4] ?? 0)));
};

const masks = fc.integer({ min: 0, max: 0xffff_ffff });
const sizes = fc.constantFrom(0, 1, 63, 64, 79, 80, 4096, 65_535, 65_536, 65_537, 150_000);

test.each([
  ['many bytes at a time', maskTo],
  ['byte by byte', maskBytes],
])('masks %s, from any place to any place', (_name, mask) => {
  fc.assert(
    fc.property(masks, sizes, fc.nat(20), fc.nat(20), (bits, size, start, targetStart) => {
      const source = randomBytes(start + size + 7);
      const before = Buffer.from(source);
      const target = Buffer.alloc(targetStart + size + 7, '.');
      mask(target, targetStart, source, start, start + size, bits);
      const masked = target.subarray(targetStart, targetStart + size);
      expect(masked.equals(defined(source.subarray(start, start + size), bits))).toBe(true);
      expect(source.equals(before)).toBe(true);
      expect(target.subarray(0, targetStart).equals(Buffer.alloc(targetStart, '.'))).toBe(true);
      expect(target.subarray(targetStart + size).equals(Buffer.alloc(7, '.'))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['many bytes at a time', maskTo],
  ['byte by byte', maskBytes],
])('masks %s in place, or to a place before it', (_name, mask) => {
  for (const shift of [0, 1, 14, 100]) {
    for (const size of [10, 1000, 200_000]) {
      const memory = randomBytes(shift + size);
      const expected = defined(memory.subarray(shift), 0x89ab_cdef);
      mask(memory, 0, memory, shift, shift + size, 0x89ab_cdef);
      expect(memory.subarray(0, size).equals(expected)).toBe(true);
    }
  }
});

test('a mask goes on where it stood', () => {
  const bytes = randomBytes(1000);
  const whole = defined(bytes, 0x1234_5678);
  const pieces = Buffer.alloc(1000);
  let mask = 0x1234_5678;
  for (let at = 0, size = 1; at < 1000; at += size, size++) {
    const end = Math.min(1000, at + size);
    maskTo(pieces, at, bytes, at, end, mask);
    mask = turnMask(mask, end - at);
  }
  expect(pieces.equals(whole)).toBe(true);
});
