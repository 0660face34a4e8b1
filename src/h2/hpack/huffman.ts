import { HpackError } from './error.ts';

/**
 * The length of each byte's code in bits, and last that of EOS (RFC 7541, appendix B). The code is canonical: shorter
 * codes come first, and codes of one length are numbered in the order of their bytes.
 */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const endOfString = codeLengths.length - 1;
const longestCode = 30;
const shortestCode = 5;

/** Codes of 257 symbols make a tree of 256 inner nodes. */
const nodes = 256;

/** At most seven bits of padding, all of them ones, may follow the last code (RFC 7541, section 5.2). */
const maxPadding = 7;

/** In a transition: a byte is complete, and is in the lowest eight bits. */
const emits = 0x100;
/** In a transition: the bits below that of the row to go on in. */
const rowShift = 9;

/** The transitions by node and by the next four bits, so a row has 16; made when the first string needs them. */
let transitions: Int32Array | undefined;

/** Strings of usual lengths are decoded in here. */
const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes the Huffman code in a part of a block (RFC 7541, section 5.2).
 * @throws {HpackError} for EOS, and for padding that is too long or not of ones
 */
export function decodeHuffman(block: Buffer, start: number, end: number): string {
  transitions ??= makeTransitions();
  const table = transitions;
  const maxLength = Math.floor(((end - start) * 8) / shortestCode);
  const bytes = maxLength <= scratch.length ? scratch : Buffer.allocUnsafe(maxLength);
  let row = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = block[at] as number;
    const high = table[row | (byte >> 4)] as number;
    if (high < 0) throw new HpackError('a Huffman code holds EOS');
    if ((high & emits) !== 0) bytes[length++] = high;
    const low = table[(high >> rowShift) | (byte & 0x0f)] as number;
    if (low < 0) throw new HpackError('a Huffman code holds EOS');
    if ((low & emits) !== 0) bytes[length++] = low;
    row = low >> rowShift;
  }
  if (row > maxPadding << 4) throw new HpackError('the padding of a Huffman code is not valid');
  return bytes.toString('latin1', 0, length);
}

/** Follows four bits at once from each node. A code has five bits at least, so no more than one byte can be completed. */
function makeTransitions(): Int32Array {
  const children = makeTree();
  const table = new Int32Array(nodes << 4);
  for (let entry = 0; entry < table.length; entry++) table[entry] = follow(children, entry >> 4, entry & 0x0f);
  return table;
}

function follow(children: Int16Array, from: number, bits: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[(node << 1) | ((bits >> bit) & 1)] as number;
    if (~child === endOfString) return -1;
    if (child < 0) emitted = emits | ~child;
    node = Math.max(child, 0);
  }
  // A row starts at 16 times its node.
  return (node << (rowShift + 4)) | emitted;
}

/**
 * Returns the two children of each node; a leaf is the complement of its byte. EOS is put in first: it is all ones, so
 * the nodes that are reached by ones alone have the number of these ones.
 */
function makeTree(): Int16Array {
  const children = new Int16Array(nodes << 1);
  let last = 0;
  const put = (symbol: number, code: number, length: number) => {
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const place = (node << 1) | ((code >> bit) & 1);
      if (children[place] === 0) children[place] = ++last;
      node = children[place] as number;
    }
    children[(node << 1) | (code & 1)] = ~symbol;
  };
  put(endOfString, 2 ** longestCode - 1, longestCode);
  let code = 0;
  for (let length = shortestCode; length <= longestCode; length++, code <<= 1) {
    for (let byte = 0; byte < endOfString; byte++) if (codeLengths[byte] === length) put(byte, code++, length);
  }
  return children;
}
