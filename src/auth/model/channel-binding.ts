import { createHash } from 'node:crypto';

/** Object identifiers of signature algorithms in DER, in hexadecimal, and the hash of each. */
const hashes: readonly (readonly [oid: string, hash: string])[] = [
  // sha256WithRSAEncryption and its relatives (RFC 4055): 1.2.840.113549.1.1.N
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a864886f70d01010e', 'sha224'],
  // md5WithRSAEncryption, sha1WithRSAEncryption, ecdsa-with-SHA1: SHA-256 stands in for a weak hash.
  ['2a864886f70d010104', 'sha256'],
  ['2a864886f70d010105', 'sha256'],
  ['2a8648ce3d0401', 'sha256'],
  // ecdsa-with-SHA2 (RFC 5758): 1.2.840.10045.4.3.N
  ['2a8648ce3d040301', 'sha224'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
];

/** RSASSA-PSS, whose parameters name the hash (RFC 4055, section 3.1). */
const pss = '2a864886f70d01010a';

/** Hashes in those parameters: 2.16.840.1.101.3.4.2.N. */
const pssHashes: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};

/**
 * Makes the data of the channel binding `tls-server-end-point` (RFC 5929, section 4): the prefix and the hash of the
 * server's certificate, by the hash of its signature.
 * @param certificate in DER
 * @returns undefined if the binding is not defined for the signature, such as Ed25519, or if this is no certificate
 */
export function serverEndPoint(certificate: Uint8Array): Buffer | undefined {
  const hash = findHash(Buffer.from(certificate));
  if (hash === undefined) return undefined;
  return Buffer.concat([Buffer.from('tls-server-end-point:'), createHash(hash).update(certificate).digest()]);
}

/** Finds the hash of the signature in `Certificate ::= SEQUENCE { tbs, SEQUENCE { OID, parameters }, signature }`. */
function findHash(certificate: Buffer): string | undefined {
  const [, algorithm] = listParts(readPart(certificate, 0)?.content);
  const [oid, parameters] = listParts(algorithm?.content);
  const name = oid?.content.toString('hex');
  if (name !== pss) return hashes.find(([known]) => known === name)?.[1];
  // [0] { SEQUENCE { OID, … } }; without it the hash is SHA-1.
  const [first] = listParts(parameters?.content);
  if (first?.tag !== 0xa0) return 'sha256';
  const [hash] = listParts(readPart(first.content, 0)?.content);
  return hash && (pssHashes[hash.content.toString('hex')] ?? 'sha256');
}

/** One element of DER. */
interface Part {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next element begins. */
  readonly end: number;
}

function readPart(bytes: Buffer, at: number): Part | undefined {
  const [tag, short] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || short === undefined) return undefined;
  const extra = short < 0x80 ? 0 : short & 0x7f;
  if (extra > 4 || at + 2 + extra > bytes.length) return undefined;
  const length = extra === 0 ? short : bytes.readUIntBE(at + 2, extra);
  const start = at + 2 + extra;
  if (short === 0x80 || start + length > bytes.length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}

function listParts(bytes: Buffer | undefined): Part[] {
  const parts: Part[] = [];
  let part = bytes && readPart(bytes, 0);
  while (bytes && part) {
    parts.push(part);
    part = readPart(bytes, part.end);
  }
  return parts;
}
