import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HeaderField } from '../../../src/core/hop.ts';
import { HpackDecoder } from '../../../src/h2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/h2/hpack/encoder.ts';
import { fieldLists, tableSizes, toBytes } from './blocks.ts';

const limits = { maxTableBytes: 65_536, maxListBytes: 1_000_000, maxFields: 1000 };

const connect: HeaderField[] = [
  [':method', 'CONNECT'],
  [':authority', 'db.internal:5432'],
];

test('the second request for the same tunnel is two bytes', () => {
  const encoder = new HpackEncoder();
  const first = encoder.encode(connect);
  expect(first[0]).toBe(0x42);
  expect(first).toHaveLength(2 + 7 + 2 + 16);
  expect(encoder.encode(connect)).toEqual(toBytes('bfbe'));
});

test('the same fields are another block once others have entered the table', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(limits);
  const other: HeaderField[] = [[':authority', 'web.internal:443']];
  for (const fields of [connect, connect, connect, other, connect, connect, other, other]) {
    expect(decoder.decode(encoder.encode(fields)).fields).toEqual(fields);
  }
});

test('the same fields are written anew once the peer has another table size', () => {
  const encoder = new HpackEncoder();
  encoder.encode(connect);
  const block = encoder.encode(connect);
  encoder.setMaxTableBytes(0);
  const first = encoder.encode(connect);
  expect(first[0]).toBe(0x20);
  expect(first.length).toBeGreaterThan(block.length);
  expect(encoder.encode(connect)).toEqual(first.subarray(1));
});

test('the answer to a tunnel is one byte', () => {
  expect(new HpackEncoder().encode([[':status', '200']])).toEqual(toBytes('88'));
});

test.each(['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])(
  'the field %s is marked so that nobody keeps it in a table',
  (name) => {
    const encoder = new HpackEncoder();
    const first = encoder.encode([[name, 'secret']]);
    expect((first[0] as number) >> 4).toBe(1);
    expect(encoder.encode([[name, 'secret']])).toEqual(first);
  },
);

test.each([':path', 'content-length', 'date', 'etag', 'x-request-id'])(
  'a value of %s stays out of the table',
  (name) => {
    const encoder = new HpackEncoder();
    const first = encoder.encode([[name, '/42']]);
    expect((first[0] as number) >> 4).toBe(0);
    expect(encoder.encode([[name, '/42']])).toEqual(first);
  },
);

test('a field that is larger than half of the table stays out of it', () => {
  const encoder = new HpackEncoder();
  encoder.encode(connect);
  const value = 'v'.repeat(2048 - 32 - 3);
  expect(encoder.encode([['x-a', value]])[0]).toBe(0x40);
  expect(encoder.encode([['x-a', `${value}v`]])[0]).toBe(0);
  expect(encoder.encode([...connect, ['x-a', value]])).toEqual(toBytes('c0bfbe'));
});

test('the name of a field in the table is not written again', () => {
  const encoder = new HpackEncoder();
  encoder.encode([
    ['x-a', '1'],
    ['x-b', '1'],
  ]);
  expect(encoder.encode([['x-a', '2']])).toEqual(toBytes('7f00 0132'));
  expect(encoder.encode([['x-a', '3']])).toEqual(toBytes('7e01 33'));
});

test('a field without a value that is in the static table is one byte', () => {
  expect(new HpackEncoder().encode([['accept', '']])).toEqual(toBytes('93'));
});

test('a change of the table size comes once, at the start of the next block', () => {
  const encoder = new HpackEncoder();
  encoder.encode(connect);
  encoder.setMaxTableBytes(0);
  expect(encoder.encode([[':method', 'GET']])).toEqual(toBytes('2082'));
  expect(encoder.encode(connect)[0]).toBe(0x02);
  encoder.setMaxTableBytes(100);
  expect(encoder.encode([[':method', 'GET']])).toEqual(toBytes('3f45 82'));
});

test('of several changes between two blocks the smallest is told, and the last', () => {
  const encoder = new HpackEncoder();
  encoder.encode(connect);
  for (const bytes of [2000, 10, 30, 1000]) encoder.setMaxTableBytes(bytes);
  const block = encoder.encode(connect);
  expect(block.subarray(0, 4)).toEqual(toBytes('2a 3fc9 07'));
  expect(block[4]).toBe(0x42);
});

test('a table that was smaller for a while is told of, even if it is as large as before', () => {
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(0);
  encoder.setMaxTableBytes(4096);
  expect(encoder.encode([])).toEqual(toBytes('20 3fe1 1f'));
  expect(encoder.encode([])).toEqual(Buffer.alloc(0));
});

test('more than 4096 bytes are not used, and not told of', () => {
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(65_536);
  expect(encoder.encode([[':method', 'GET']])).toEqual(toBytes('82'));
});

test('a character that is not one byte cannot become another one', () => {
  const [block] = [new HpackEncoder().encode([['x-a', 'caf\u00e9\u010a\u{1f600}']])];
  expect(block.subarray(6).toString('latin1')).toBe('caf\u00e9???');
});

test('a list that could not be encoded leaves nothing behind for another connection', () => {
  const broken = ['x-a', undefined] as unknown as HeaderField;
  expect(() => new HpackEncoder().encode([[':method', 'POST'], broken])).toThrow(TypeError);
  expect(new HpackEncoder().encode([[':method', 'GET']])).toEqual(toBytes('82'));
});

test('a block stays as it is when the next one is made', () => {
  const encoder = new HpackEncoder();
  const first = encoder.encode([[':path', '/one']]);
  encoder.encode([[':path', '/two']]);
  expect(first.subarray(2).toString()).toBe('/one');
});

test('whatever is encoded is decoded, list after list, while the table changes its size', () => {
  const step = fc.record({ fields: fieldLists, tableBytes: fc.option(tableSizes, { nil: undefined, freq: 4 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(limits);
      for (const { fields, tableBytes } of steps) {
        if (tableBytes !== undefined) {
          encoder.setMaxTableBytes(tableBytes);
          decoder.setMaxTableBytes(tableBytes);
        }
        expect(decoder.decode(encoder.encode(fields))).toEqual({ fields, isTooLarge: false });
      }
    }),
    { numRuns: 300 },
  );
});
