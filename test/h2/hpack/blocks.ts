import fc from 'fast-check';
import type { HeaderField } from '../../../src/core/hop.ts';

/** Reads hexadecimal digits, with spaces anywhere. */
export function toBytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
}

const names = fc.oneof(
  fc.constantFrom('accept', 'authorization', 'cookie', 'date', 'user-agent', 'via', 'x-a', 'x-b', 'x-request-id'),
  fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
);

/** Values as HTTP allows them: no controls but tabs, and no white space at the ends. */
const values = fc.oneof(
  fc.constantFrom('', '0', '1', 'gzip, deflate', 'text/plain'),
  fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t -~\x80-\xff]{0,60}[\x21-\x7e\x80-\xff])?$/),
  fc.nat({ max: 1200 }).map((length) => 'long'.repeat(length).slice(0, length)),
);

/** Lists of fields that any HTTP/2 implementation accepts in a request, without pseudo-fields. */
export const fieldLists: fc.Arbitrary<HeaderField[]> = fc.array(fc.tuple(names, values), { maxLength: 12 });

/** Sizes of a dynamic table: none at all, too small for most fields, small, and as large as they come. */
export const tableSizes: fc.Arbitrary<number> = fc.constantFrom(0, 40, 150, 1000, 4096, 65_536);
