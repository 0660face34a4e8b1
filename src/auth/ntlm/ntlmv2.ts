import { createHash, createHmac, randomBytes } from 'node:crypto';
import { avIds, type AvPair, formatAvPairs } from './av-pairs.ts';
import { md4 } from './md4.ts';
import { formatAuthenticate, mic, type NtlmChallenge } from './messages.ts';

/** The account of a user. */
export interface NtlmAccount {
  readonly user: string;
  /** As the user gave it, and never the one that a challenge names. */
  readonly domain: string;
  readonly password: string;
}

/** The parts of a response that are not in the account. */
export interface NtlmResponseTerms {
  readonly challenge: Buffer;
  /** Eight random bytes of ours. */
  readonly clientChallenge: Buffer;
  /** A FILETIME: 100 ns since 1601, little-endian. */
  readonly time: Buffer;
  readonly targetInfo: Buffer;
}

/** Derives the key of an account (MS-NLMP, section 3.3.2, NTOWFv2). */
export function deriveKey({ user, domain, password }: NtlmAccount): Buffer {
  return hmacMd5(md4(Buffer.from(password, 'utf16le')), Buffer.from(toUpper(user) + domain, 'utf16le'));
}

/** Like Windows, changes no character into several: `ß` stays. */
function toUpper(text: string): string {
  return Array.from(text, (char) => (char.toUpperCase().length === char.length ? char.toUpperCase() : char)).join('');
}

/** Computes the response to a challenge and the key of the session (MS-NLMP, section 3.3.2). */
export function respond(
  key: Buffer,
  { challenge, clientChallenge, time, targetInfo }: NtlmResponseTerms,
): { readonly ntResponse: Buffer; readonly sessionKey: Buffer } {
  const zeros = Buffer.alloc(4);
  const start = Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]);
  const temp = Buffer.concat([start, time, clientChallenge, zeros, targetInfo, zeros]);
  const proof = hmacMd5(key, challenge, temp);
  return { ntResponse: Buffer.concat([proof, temp]), sessionKey: hmacMd5(key, proof) };
}

/** Facts about the connection to which a message is bound. */
export interface NtlmBinding {
  /** The service: `HTTP/proxy.corp`. */
  readonly targetName: string;
  /** The data of the channel binding; absent without TLS. */
  readonly channel: Buffer | undefined;
}

/**
 * Writes the message that answers a challenge: an NTLMv2 response, with a MIC where the server's clock is in the
 * challenge, which says that it checks one. The LM response is always empty.
 * @param negotiate the first message, which the MIC covers
 */
export function authenticate(
  account: NtlmAccount,
  negotiate: Buffer,
  { message, challenge, targetInfo, flags }: NtlmChallenge,
  binding: NtlmBinding,
): Buffer {
  const time = targetInfo.find(([id, value]) => id === avIds.timestamp && value.length === 8)?.[1];
  const { ntResponse, sessionKey } = respond(deriveKey(account), {
    challenge,
    clientChallenge: randomBytes(8),
    time: time ?? toFileTime(Date.now()),
    targetInfo: formatAvPairs(bindTarget(targetInfo, time !== undefined, binding)),
  });
  const answer = { ...account, lmResponse: Buffer.alloc(24), ntResponse, flags };
  const authenticated = formatAuthenticate(answer);
  if (time) hmacMd5(sessionKey, negotiate, message, authenticated).copy(authenticated, mic.offset);
  return authenticated;
}

/** The flag that announces a MIC (MS-NLMP, section 2.2.2.1). */
const hasMic = 0x2;

function bindTarget(pairs: readonly AvPair[], isSigned: boolean, { targetName, channel }: NtlmBinding): AvPair[] {
  const own: readonly number[] = [avIds.flags, avIds.targetName, avIds.channelBindings];
  const flags = Buffer.alloc(4);
  const given = pairs.find(([id, value]) => id === avIds.flags && value.length === 4)?.[1];
  flags.writeUInt32LE(((given?.readUInt32LE(0) ?? 0) | (isSigned ? hasMic : 0)) >>> 0);
  return [
    ...pairs.filter(([id]) => !own.includes(id)),
    ...(isSigned || given ? [[avIds.flags, flags] as const] : []),
    [avIds.channelBindings, hashBinding(channel)],
    [avIds.targetName, Buffer.from(targetName, 'utf16le')],
  ];
}

/** Hashes a channel binding without addresses (RFC 2744, section 3.11); zeros stand for none. */
function hashBinding(channel: Buffer | undefined): Buffer {
  if (!channel) return Buffer.alloc(16);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(channel.length, 16);
  return createHash('md5').update(head).update(channel).digest();
}

/** Seconds from 1601 to 1970. */
const epochSeconds = 11_644_473_600n;

function toFileTime(ms: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(ms) + epochSeconds * 1000n) * 10_000n);
  return time;
}

function hmacMd5(key: Buffer, ...parts: readonly Buffer[]): Buffer {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
