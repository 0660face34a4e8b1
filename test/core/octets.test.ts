import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeOctets, decodePercent, encodeOctets, encodePercent } from '../../src/core/octets.ts';

/** Bytes of which some are characters and some are not. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    ),
  )
  .map((parts) => Buffer.concat(parts));

test('what is read of bytes is written as the same bytes', () => {
  fc.assert(
    fc.property(bytes, (octets) => {
      expect(encodeOctets(decodeOctets(octets))).toEqual(octets);
    }),
  );
});

test('what is percent-encoded is ASCII, and decoded as the same text', () => {
  fc.assert(
    fc.property(bytes, (octets) => {
      const text = decodeOctets(octets);
      const encoded = encodePercent(text);
      expect(encoded).toMatch(/^[\x21-\x7e]*$/);
      expect(decodePercent(encoded)).toBe(text);
    }),
  );
});

test('bytes that are UTF-8 are its characters', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(text, (written) => {
      expect(decodeOctets(Buffer.from(written))).toBe(written);
    }),
  );
});

// RFC 3629, section 10: bytes that only look like UTF-8 must not be read as the text that they look like.
test.each([
  ['an overlong slash', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a character beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ['a character cut short', [0xe2, 0x82]],
])('%s is kept byte by byte', (_what, octets) => {
  expect(decodeOctets(Buffer.from(octets))).toBe(String.fromCharCode(...octets.map((octet) => 0xdc00 + octet)));
});

test('an emoji, whose second half looks like a byte that was kept, is itself', () => {
  expect(encodeOctets('💀')).toEqual(Buffer.from('💀'));
});

test.each(['%', 'a%4', '%zz', '%-1'])('%j is no percent-encoding', (text) => {
  expect(decodePercent(text)).toBeUndefined();
});
