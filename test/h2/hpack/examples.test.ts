import { expect, test } from 'vitest';
import type { HeaderField } from '../../../src/core/hop.ts';
import { HpackDecoder } from '../../../src/h2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/h2/hpack/encoder.ts';
import { toBytes } from './blocks.ts';

const limits = { maxTableBytes: 4096, maxListBytes: 16_384, maxFields: 100 };

/** Decodes blocks with one decoder, after one that sets the table size. */
function decodeAll(blocks: readonly string[], tableBytes: 256 | 4096 = 4096): (readonly HeaderField[])[] {
  const decoder = new HpackDecoder(limits);
  if (tableBytes === 256) decoder.decode(toBytes('3fe1 01'));
  return blocks.map((block) => [...decoder.decode(toBytes(block)).fields]);
}

test.each<[string, string, HeaderField]>([
  ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
  ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
  ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
  ['C.2.4', '82', [':method', 'GET']],
])('a field is represented as in RFC 7541, %s', (_, block, field) => {
  expect(decodeAll([block])).toEqual([[field]]);
});

test.each([
  ['C.1.1', '2a', 10],
  ['C.1.2', '3f9a 0a', 1337],
])('an integer behind three bits is represented as in RFC 7541, %s', (_, block, bytes) => {
  const decoder = new HpackDecoder(limits);
  decoder.setMaxTableBytes(bytes);
  expect(decoder.decode(toBytes(block)).fields).toEqual([]);
  decoder.setMaxTableBytes(bytes - 1);
  expect(() => decoder.decode(toBytes(block))).toThrow('above our limit');
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(bytes);
  expect(encoder.encode([])).toEqual(toBytes(block));
});

const requests: HeaderField[][] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];

const plainRequests = [
  '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
  '8286 84be 5808 6e6f 2d63 6163 6865',
  '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
];

test('requests without Huffman coding are as in RFC 7541, C.3, and we write the same', () => {
  expect(decodeAll(plainRequests)).toEqual(requests);
  const encoder = new HpackEncoder();
  expect(requests.map((fields) => encoder.encode(fields))).toEqual(plainRequests.map(toBytes));
});

test('requests with Huffman coding are as in RFC 7541, C.4', () => {
  const blocks = [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ];
  expect(decodeAll(blocks)).toEqual(requests);
});

const firstDate = 'Mon, 21 Oct 2013 20:13:21 GMT';
const secondDate = 'Mon, 21 Oct 2013 20:13:22 GMT';
const responses: HeaderField[][] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', firstDate],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', firstDate],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', secondDate],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];

test('answers without Huffman coding are as in RFC 7541, C.5, where fields are evicted', () => {
  const blocks = [
    `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
     2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
     6c65 2e63 6f6d`,
    '4803 3330 37c1 c0bf',
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
     54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
     5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
     3d31`,
  ];
  expect(decodeAll(blocks, 256)).toEqual(responses);
});

test('answers with Huffman coding are as in RFC 7541, C.6, with the same evictions', () => {
  const blocks = [
    `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
     2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
    '4883 640e ffc1 c0bf',
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
     77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
     9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  ];
  expect(decodeAll(blocks, 256)).toEqual(responses);
});
