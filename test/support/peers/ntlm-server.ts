import { createHash, createHmac, randomBytes } from 'node:crypto';
import { type AvPair, avIds, formatAvPairs, parseAvPairs } from '../../../src/auth/ntlm/av-pairs.ts';
import { md4 } from '../../../src/auth/ntlm/md4.ts';

const signature = Buffer.from('NTLMSSP\0', 'latin1');

/** A FILETIME of November 2026. */
const time = Buffer.from('0080b9a0f0a4dd01', 'hex');

const text = (value: string) => Buffer.from(value, 'utf16le');

/** The parts in which a challenge may differ from the usual one. */
export interface ChallengeOptions {
  readonly flags?: number;
  readonly pairs?: readonly AvPair[];
  readonly challenge?: Buffer;
}

/** The flags of a usual challenge: Unicode, NTLM, signing, extended session security, target information, 128 bits. */
export const usualFlags = 0x2288_8205 | 0x2000_0000;

/** The pairs of a usual challenge, with the time that asks for a MIC. */
export const usualPairs: readonly AvPair[] = [
  [2, text('CORP')],
  [1, text('PROXY')],
  [avIds.timestamp, time],
];

/** Writes a challenge of a server. */
export function formatChallenge({
  flags = usualFlags,
  pairs = usualPairs,
  challenge = randomBytes(8),
}: ChallengeOptions = {}): Buffer {
  const [name, info] = [text('CORP'), formatAvPairs(pairs)];
  const head = Buffer.alloc(56);
  signature.copy(head);
  head.writeUInt32LE(2, 8);
  writeField(head, 12, name.length, 56);
  head.writeUInt32LE(flags >>> 0, 20);
  challenge.copy(head, 24);
  writeField(head, 40, info.length, 56 + name.length);
  return Buffer.concat([head, name, info]);
}

function writeField(head: Buffer, at: number, length: number, offset: number): void {
  head.writeUInt16LE(length, at);
  head.writeUInt16LE(length, at + 2);
  head.writeUInt32LE(offset, at + 4);
}

/** The values of an AUTHENTICATE message. */
export function readAuthenticate(message: Buffer) {
  const field = (at: number) => {
    const offset = message.readUInt32LE(at + 4);
    return message.subarray(offset, offset + message.readUInt16LE(at));
  };
  const ntResponse = field(20);
  return {
    type: message.readUInt32LE(8),
    flags: message.readUInt32LE(60),
    domain: field(28).toString('utf16le'),
    user: field(36).toString('utf16le'),
    lmResponse: field(12),
    ntResponse,
    pairs: parseAvPairs(ntResponse.subarray(44)) ?? [],
    mic: message.subarray(72, 88),
  };
}

const hmac = (key: Buffer, ...parts: Buffer[]) => createHmac('md5', key).update(Buffer.concat(parts)).digest();

/** The account that a server knows, and the certificate that it has shown. */
export interface NtlmServerTerms {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** In DER, signed with SHA-256; messages must then be bound to it. */
  readonly certificate?: Uint8Array;
}

/** Says what is wrong with an AUTHENTICATE message; undefined if nothing is. */
export function checkAuthenticate(
  [negotiate, challenge, message]: readonly [Buffer, Buffer, Buffer],
  { user, domain, password, certificate }: NtlmServerTerms,
): string | undefined {
  const given = readAuthenticate(message);
  if (given.type !== 3) return 'no AUTHENTICATE';
  const key = hmac(md4(text(password)), text(user.toUpperCase() + domain));
  const [proof, temp] = [given.ntResponse.subarray(0, 16), given.ntResponse.subarray(16)];
  if (!hmac(key, challenge.subarray(24, 32), temp).equals(proof)) return 'a wrong password';
  if (!given.lmResponse.equals(Buffer.alloc(24))) return 'an LM response';
  const zeroed = Buffer.from(message).fill(0, 72, 88);
  if (!hmac(hmac(key, proof), negotiate, challenge, zeroed).equals(given.mic)) return 'a wrong MIC';
  const binding = given.pairs.find(([id]) => id === avIds.channelBindings)?.[1];
  if (!binding?.equals(expectBinding(certificate))) return 'a wrong channel binding';
  return undefined;
}

function expectBinding(certificate: Uint8Array | undefined): Buffer {
  if (!certificate) return Buffer.alloc(16);
  const hash = createHash('sha256').update(certificate).digest();
  const data = Buffer.concat([Buffer.from('tls-server-end-point:'), hash]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return createHash('md5').update(head).update(data).digest();
}
