/** The functions, constants and rotations of the three rounds, and the order of the words in each (RFC 1320). */
const rounds = [
  {
    mix: (x: number, y: number, z: number) => (x & y) | (~x & z),
    add: 0,
    rotations: [3, 7, 11, 19],
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  },
  {
    mix: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
    add: 0x5a827999,
    rotations: [3, 5, 9, 13],
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  },
  {
    mix: (x: number, y: number, z: number) => x ^ y ^ z,
    add: 0x6ed9eba1,
    rotations: [3, 9, 11, 15],
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
  },
] as const;

const blockBytes = 64;

/** Computes MD4 (RFC 1320), which NTLM derives keys with and which OpenSSL 3 has no more. */
export function md4(input: Uint8Array): Buffer {
  // A bit, zeros, and the length in bits, up to a whole block.
  const padded = Buffer.alloc(Math.ceil((input.length + 9) / blockBytes) * blockBytes);
  padded.set(input);
  padded[input.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(input.length) * 8n, padded.length - 8);
  const state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += blockBytes) addBlock(state, padded.subarray(at, at + blockBytes));
  const digest = Buffer.alloc(16);
  for (const [index, word] of state.entries()) digest.writeInt32LE(word | 0, index * 4);
  return digest;
}

type State = [a: number, b: number, c: number, d: number];

function addBlock(state: State, block: Buffer): void {
  let [a, b, c, d] = state;
  for (const { mix, add, rotations, order } of rounds) {
    for (const [step, index] of order.entries()) {
      const sum = (a + mix(b, c, d) + block.readInt32LE(index * 4) + add) | 0;
      const by = rotations[step % 4] as number;
      [a, b, c, d] = [d, (sum << by) | (sum >>> (32 - by)), b, c];
    }
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}
