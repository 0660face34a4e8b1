import { derTag, readDer, readDerParts, unwrapDer } from './der.ts';

/** A mechanism that tokens of Negotiate are made for. */
export type Mechanism = 'Kerberos' | 'NTLM';

/** What a token of Negotiate says about itself, as far as it can be read without keys. */
export interface TokenFacts {
  /** The mechanism that the token is made for. */
  readonly mechanism?: Mechanism;
  /** True for a first token that offers Kerberos alone, which needs one round: no other mechanism can be chosen. */
  readonly isKerberosOnly?: true;
  /** The verdict in an answer of the proxy. */
  readonly state?: 'completed' | 'incomplete' | 'rejected' | 'mic-wanted';
}

/** Tags of a token's outermost element: the first token, and an answer (RFC 4178, section 4.2; RFC 2743, section 3.1). */
const [firstTag, answerTag] = [0x60, 0xa1] as const;

const spnegoOid = '2b0601050502';

/** Object identifiers of mechanisms, as they are encoded: Kerberos, the one that Windows misspelt, and NTLM. */
const mechanisms: ReadonlyMap<string, Mechanism> = new Map([
  ['2a864886f712010202', 'Kerberos'],
  ['2a864882f712010202', 'Kerberos'],
  ['2b06010401823702020a', 'NTLM'],
]);

/** The values of negState in an answer (RFC 4178, section 4.2.2). */
const states = ['completed', 'incomplete', 'rejected', 'mic-wanted'] as const;

const ntlmSignature = Buffer.from('NTLMSSP\0', 'latin1');

/**
 * Reads a token of Negotiate: SPNEGO (RFC 4178), or the bare Kerberos or NTLM that some send in its place. Whatever
 * cannot be read is left out; tokens come from elsewhere, and the library that has the keys judges them.
 */
export function readToken(token: Buffer): TokenFacts {
  if (isNtlm(token)) return { mechanism: 'NTLM' };
  const outer = readDer(token);
  if (outer?.tag === answerTag) return readAnswer(outer.body);
  const oid = outer?.tag === firstTag ? readDer(outer.body) : undefined;
  if (oid?.tag !== derTag.oid) return {};
  return hex(oid.body) === spnegoOid ? readOffer(oid.rest) : nameMechanism(oid.body);
}

/** NegTokenInit: the mechanisms in order of preference, and a token for the first one. */
function readOffer(bytes: Buffer): TokenFacts {
  const parts = readDerParts(unwrapDer(bytes, derTag.part));
  const inner = unwrapDer(parts.get(derTag.part + 2), derTag.octets);
  if (inner && isNtlm(inner)) return { mechanism: 'NTLM' };
  const offered = unwrapDer(parts.get(derTag.part), derTag.sequence);
  const facts = nameMechanism(unwrapDer(offered, derTag.oid));
  return offered && offersOnlyKerberos(offered) ? { ...facts, isKerberosOnly: true } : facts;
}

function offersOnlyKerberos(list: Buffer): boolean {
  let rest = list;
  while (rest.length > 0) {
    const oid = readDer(rest);
    if (!oid || mechanisms.get(hex(oid.body)) !== 'Kerberos') return false;
    rest = oid.rest;
  }
  return list.length > 0;
}

/** NegTokenResp: the verdict, and the mechanism that was chosen. */
function readAnswer(bytes: Buffer): TokenFacts {
  const parts = readDerParts(bytes);
  const state = states[unwrapDer(parts.get(derTag.part), derTag.enumerated)?.[0] ?? states.length];
  const chosen = unwrapDer(parts.get(derTag.part + 1), derTag.oid);
  return { ...nameMechanism(chosen), ...(state && { state }) };
}

function isNtlm(token: Buffer): boolean {
  return token.subarray(0, ntlmSignature.length).equals(ntlmSignature);
}

function nameMechanism(oid: Buffer | undefined): Pick<TokenFacts, 'mechanism'> {
  const mechanism = oid && mechanisms.get(hex(oid));
  return mechanism ? { mechanism } : {};
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}
