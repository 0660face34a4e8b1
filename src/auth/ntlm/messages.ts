import { type AvPair, parseAvPairs } from './av-pairs.ts';

const signature = Buffer.from('NTLMSSP\0', 'latin1');

/** The flags that we ask for, and some that a challenge must have (MS-NLMP, section 2.2.2.5). */
const flags = {
  unicode: 0x1,
  requestTarget: 0x4,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  extendedSessionSecurity: 0x8_0000,
  targetInfo: 0x80_0000,
  version: 0x200_0000,
  key128: 0x2000_0000,
} as const;

/** Neither signing nor key exchange, which would need RC4: nothing is signed after the handshake. */
const wanted = Object.values(flags).reduce((sum, flag) => sum | flag, 0) >>> 0;

/** Windows 10, and revision 15 of NTLM: servers only log it. */
const version = Buffer.from([10, 0, 0x61, 0x4a, 0, 0, 0, 15]);

/** Writes the first message (MS-NLMP, section 2.2.1.1). It names neither user nor domain. */
export function formatNegotiate(): Buffer {
  const head = Buffer.alloc(32);
  signature.copy(head);
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(wanted, 12);
  return Buffer.concat([head, version]);
}

/** The second message, a challenge of the server. */
export interface NtlmChallenge {
  /** The message itself, which the MIC covers. */
  readonly message: Buffer;
  readonly flags: number;
  /** Eight random bytes. */
  readonly challenge: Buffer;
  readonly targetInfo: readonly AvPair[];
}

/**
 * Reads the second message (MS-NLMP, section 2.2.1.2), also where it is wrapped in SPNEGO.
 * @returns the reason as a phrase after the name of the proxy, if it is none, or if it allows nothing but what is weak
 */
export function parseChallenge(token: Buffer): NtlmChallenge | string {
  const start = token.indexOf(signature);
  const message = token.subarray(Math.max(start, 0));
  if (start < 0 || message.length < 32 || message.readUInt32LE(8) !== 2) return 'its challenge is no message of NTLM';
  const given = message.readUInt32LE(20);
  if ((given & flags.unicode) === 0) return 'its challenge allows no Unicode';
  if ((given & flags.extendedSessionSecurity) === 0) return 'its challenge allows only NTLMv1, which is not sent';
  const targetInfo = message.length < 48 ? undefined : parseAvPairs(readField(message, 40));
  if ((given & flags.targetInfo) === 0 || !targetInfo)
    return 'its challenge has no target information, as NTLMv2 needs';
  return { message, flags: given, challenge: message.subarray(24, 32), targetInfo };
}

/** Returns the bytes that the field at `at` refers to, or none if they are not there. */
function readField(message: Buffer, at: number): Buffer {
  const [length, offset] = [message.readUInt16LE(at), message.readUInt32LE(at + 4)];
  return offset + length > message.length ? Buffer.alloc(0) : message.subarray(offset, offset + length);
}

/** The values of the third message. */
export interface NtlmAnswer {
  readonly domain: string;
  readonly user: string;
  readonly lmResponse: Buffer;
  readonly ntResponse: Buffer;
  /** The flags of the challenge. */
  readonly flags: number;
}

/** The place of the MIC in the third message. */
export const mic = { offset: 72, bytes: 16 } as const;

/** Writes the third message (MS-NLMP, section 2.2.1.3), with zeros in place of the MIC. */
export function formatAuthenticate({ domain, user, lmResponse, ntResponse, flags: given }: NtlmAnswer): Buffer {
  const head = Buffer.alloc(mic.offset + mic.bytes);
  signature.copy(head);
  head.writeUInt32LE(3, 8);
  head.writeUInt32LE((wanted & given) >>> 0, 60);
  version.copy(head, 64);
  const values = [
    [28, Buffer.from(domain, 'utf16le')],
    [36, Buffer.from(user, 'utf16le')],
    [44, Buffer.alloc(0)],
    [12, lmResponse],
    [20, ntResponse],
    [52, Buffer.alloc(0)],
  ] as const;
  let offset = head.length;
  for (const [at, value] of values) {
    head.writeUInt16LE(value.length, at);
    head.writeUInt16LE(value.length, at + 2);
    head.writeUInt32LE(offset, at + 4);
    offset += value.length;
  }
  return Buffer.concat([head, ...values.map(([, value]) => value)]);
}
