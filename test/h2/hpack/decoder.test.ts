import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DecoderLimits, HpackDecoder } from '../../../src/h2/hpack/decoder.ts';
import { HpackError } from '../../../src/h2/hpack/error.ts';
import { amount } from '../../support/amounts.ts';
import { toBytes } from './blocks.ts';

const usualLimits: DecoderLimits = { maxTableBytes: 4096, maxListBytes: 16_384, maxFields: 100 };

function makeDecoder(limits: Partial<DecoderLimits> = {}): HpackDecoder {
  return new HpackDecoder({ ...usualLimits, ...limits });
}

/** A literal that enters the table: one character as name, and a value of this length. */
function literal(name: string, length: number): Buffer {
  const size = length < 127 ? [length] : [127, ((length - 127) & 127) | 128, (length - 127) >> 7];
  return Buffer.concat([Buffer.of(0x40, 1), Buffer.from(name), Buffer.of(...size), Buffer.alloc(length, 'v')]);
}

test.each([
  ['an index of 0', '80', 'index'],
  ['an index above both tables', 'be', 'index'],
  ['an index above the newest field', '4001 6101 62be bf', 'index'],
  ['a name by an index above both tables', '7e01 61', 'index'],
  ['an integer above 2^28', 'ffff ffff ff7f', 'too large'],
  ['an integer just above 2^28', 'ff82 ffff 7f', 'too large'],
  ['an integer whose bytes never end', 'ff80 8080 8080 8080 8080', 'too large'],
  ['a length above 2^28', '007f ffff ffff 7f', 'too large'],
  ['an end within an index', 'ff', 'ends within an integer'],
  ['an end within a longer index', 'ff80', 'ends within an integer'],
  ['an end before a name', '40', 'ends within a field'],
  ['an end within a name', '4003 6161', 'ends within a field'],
  ['an end before a value', '4001 61', 'ends within a field'],
  ['an end within a value', '4001 6103 6262', 'ends within a field'],
  ['an end within a value behind an indexed name', '0102 62', 'ends within a field'],
  ['an end within a Huffman code', '4001 6183 1f', 'ends within a field'],
  ['Huffman padding that is too long', '4001 6182 1fff', 'padding'],
  ['Huffman padding of zeros', '4001 6181 18', 'padding'],
  ['EOS', '4001 6184 ffff ffff', 'EOS'],
  ['a table size after a field', '8220', 'after a field'],
  ['three table sizes', '2020 20', 'more than twice'],
  ['a table size above ours', '3fe2 1f', 'above our limit'],
  ['a second table size above ours', '203f e21f', 'above our limit'],
])('%s is an error', (_, block, message) => {
  const act = () => makeDecoder().decode(toBytes(block));
  expect(act).toThrow(HpackError);
  expect(act).toThrow(message);
});

test('the largest integer that is read is 2^28', () => {
  expect(() => makeDecoder().decode(toBytes('ff82 ffff 7f'))).toThrow('too large');
  expect(() => makeDecoder().decode(toBytes('ff81 ffff 7f'))).toThrow('index');
});

test('a list is too large with its first byte above the limit, and fields up to there are kept', () => {
  const block = Buffer.concat([literal('a', 10), literal('b', 10), literal('c', 10)]);
  const fits = makeDecoder({ maxListBytes: 3 * 43 }).decode(block);
  expect([fits.fields.length, fits.isTooLarge]).toEqual([3, false]);
  const exceeds = makeDecoder({ maxListBytes: 3 * 43 - 1 }).decode(block);
  expect([exceeds.fields.map(([name]) => name), exceeds.isTooLarge]).toEqual([['a', 'b'], true]);
});

test('nothing behind the first field too many is kept, even if it would fit', () => {
  const block = Buffer.concat([literal('a', 10), literal('b', 100), literal('c', 1)]);
  const { fields, isTooLarge } = makeDecoder({ maxListBytes: 100 }).decode(block);
  expect([fields.map(([name]) => name), isTooLarge]).toEqual([['a'], true]);
});

test('a list with too many fields is too large', () => {
  const block = Buffer.alloc(100, 0x82);
  expect(makeDecoder().decode(block).isTooLarge).toBe(false);
  const { fields, isTooLarge } = makeDecoder().decode(Buffer.alloc(101, 0x82));
  expect([fields.length, isTooLarge]).toEqual([100, true]);
});

test('fields of a list that is too large still enter the table', () => {
  const decoder = makeDecoder({ maxFields: 1 });
  expect(decoder.decode(Buffer.concat([literal('a', 1), literal('b', 2)])).fields).toHaveLength(1);
  expect(decoder.decode(toBytes('be')).fields).toEqual([['b', 'vv']]);
  expect(decoder.decode(toBytes('bf')).fields).toEqual([['a', 'v']]);
});

test('a field of 4 KiB that is referred to 10,000 times takes the memory of one', () => {
  const decoder = makeDecoder({ maxListBytes: 65_536 });
  const bomb = Buffer.concat([literal('a', 4063), Buffer.alloc(10_000, 0xbe)]);
  const { fields, isTooLarge } = decoder.decode(bomb);
  expect(isTooLarge).toBe(true);
  expect(fields).toHaveLength(16);
  expect(new Set(fields).size).toBe(1);
});

test('a field that is larger than the table empties it', () => {
  const decoder = makeDecoder();
  decoder.decode(literal('a', 1));
  expect(decoder.decode(literal('b', 4064)).fields).toEqual([['b', 'v'.repeat(4064)]]);
  expect(() => decoder.decode(toBytes('be'))).toThrow('index');
});

test('the same block says what the table has at the time', () => {
  const decoder = makeDecoder();
  const block = toBytes('82be');
  const decodes = (value: string) =>
    expect(decoder.decode(block).fields).toEqual([
      [':method', 'GET'],
      ['a', value],
    ]);
  decoder.decode(toBytes('4001 6101 31'));
  decodes('1');
  decodes('1');
  decoder.decode(toBytes('4001 6101 32'));
  decodes('2');
  decodes('2');
  decoder.decode(toBytes('20'));
  expect(() => decoder.decode(block)).toThrow(HpackError);
});

test('a block that empties the table by its last field is not understood again', () => {
  const decoder = makeDecoder();
  decoder.decode(Buffer.concat([toBytes('3f19'), literal('a', 1)]));
  const block = Buffer.concat([toBytes('be'), literal('b', 25)]);
  expect(decoder.decode(block).fields).toHaveLength(2);
  expect(() => decoder.decode(block)).toThrow('not in the tables');
});

test('a block of the same bytes stands for its list again only while our limit is the same', () => {
  const decoder = makeDecoder();
  expect(decoder.decode(toBytes('82')).fields).toEqual([[':method', 'GET']]);
  decoder.setMaxTableBytes(100);
  expect(() => decoder.decode(toBytes('82'))).toThrow('not lowered');
});

test('the oldest fields are evicted first, however many there were', () => {
  const decoder = makeDecoder({ maxFields: 1000 });
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(0x61 + at));
  // Each takes 34 bytes, so there is room for 120.
  const block = Buffer.concat(Array.from({ length: 40 }, () => letters.map((letter) => literal(letter, 1))).flat());
  decoder.decode(block);
  const indices = Array.from({ length: 120 }, (_, at) => 62 + at);
  const references = indices.flatMap((index) => (index < 127 ? [0x80 | index] : [0xff, index - 127]));
  const { fields } = decoder.decode(Buffer.of(...references));
  expect(fields.map(([name]) => name)).toEqual(indices.map((index) => letters[(25 + 26 * 40 - (index - 62)) % 26]));
  expect(() => decoder.decode(Buffer.of(0xff, 62 + 120 - 127))).toThrow('index');
});

test('a table whose size was 0 in between is empty', () => {
  const decoder = makeDecoder();
  decoder.decode(literal('a', 1));
  expect(decoder.decode(toBytes('20 3fe1 1f 82')).fields).toEqual([[':method', 'GET']]);
  expect(() => decoder.decode(toBytes('be'))).toThrow('index');
});

test('a table that we make smaller must be made smaller in the next block, and only there', () => {
  const decoder = makeDecoder();
  decoder.setMaxTableBytes(100);
  expect(decoder.decode(toBytes('3f45 82')).fields).toHaveLength(1);
  expect(decoder.decode(toBytes('82')).fields).toHaveLength(1);
  decoder.setMaxTableBytes(50);
  expect(() => decoder.decode(toBytes('82'))).toThrow('not lowered');
});

test('a table that was smaller for a while must show it', () => {
  const lower = () => {
    const decoder = makeDecoder();
    decoder.setMaxTableBytes(0);
    decoder.setMaxTableBytes(200);
    return decoder;
  };
  expect(() => lower().decode(toBytes('3fa9 01 82'))).toThrow('above our limit');
  expect(() => lower().decode(toBytes('20 3faa 01 82'))).toThrow('above our limit');
  expect(lower().decode(toBytes('20 3fa9 01 82')).fields).toHaveLength(1);
});

test('a table may stay as small as its peer made it', () => {
  const decoder = makeDecoder();
  decoder.decode(toBytes('20'));
  decoder.setMaxTableBytes(2000);
  expect(decoder.decode(toBytes('82')).fields).toHaveLength(1);
});

test('before the peer knows that less than 4096 bytes are allowed, it may use as many', () => {
  const decoder = makeDecoder({ maxTableBytes: 0 });
  decoder.decode(literal('a', 1));
  expect(decoder.decode(toBytes('be')).fields).toEqual([['a', 'v']]);
  decoder.setMaxTableBytes(0);
  expect(() => decoder.decode(toBytes('be'))).toThrow('not lowered');
});

test('fields do not change with the buffer that their block was in', () => {
  const decoder = makeDecoder();
  const block = literal('a', 20);
  const { fields } = decoder.decode(block);
  block.fill(0);
  expect(fields).toEqual([['a', 'v'.repeat(20)]]);
});

/** Bytes that begin as fields do, so that not all of them are refused at once. */
const pieces = fc.oneof(
  fc.constantFrom(
    '82',
    'be',
    '20',
    '3fe11f',
    '4001610162',
    '400161',
    '00',
    '10',
    '7f',
    'ff',
    '418cf1e3c2e5f23a6ba0ab90f4ff',
  ),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('hex')),
);

test('whatever comes is decoded within the limits or refused', () => {
  const limits = { maxTableBytes: 4096, maxListBytes: 500, maxFields: 8 };
  let decoder = new HpackDecoder(limits);
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 12 }), (parts) => {
      try {
        const { fields } = decoder.decode(toBytes(parts.join('')));
        expect(fields.length).toBeLessThanOrEqual(limits.maxFields);
        const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
        expect(bytes).toBeLessThanOrEqual(limits.maxListBytes);
      } catch (error) {
        if (!(error instanceof HpackError)) throw error;
        decoder = new HpackDecoder(limits);
      }
    }),
    { numRuns: amount(20_000, 500_000), seed: 7541 },
  );
});
