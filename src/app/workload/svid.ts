import { createPrivateKey, X509Certificate } from 'node:crypto';
import { usageError } from '../../core/errors.ts';
import { parseSpiffeId } from '../../core/spiffe.ts';
import type { SuppliedTls } from '../../tls/material/supply.ts';
import { findField, readFields } from './protobuf.ts';

/** Our identity as an agent gives it (SPIFFE X.509-SVID), with the authorities of each trust domain that we know. */
export interface Svid {
  readonly id: string;
  readonly cert: string;
  readonly key: string;
  readonly leaf: X509Certificate;
  /** The authorities of our own trust domain, in PEM. */
  readonly authorities: readonly string[];
  /** Those of other trust domains, by their names. */
  readonly federated: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads an X509SVIDResponse of the Workload API (SPIFFE Workload API, section 5.2). The first identity is the default.
 * @throws {TunlError} usage, if a certificate and its key do not fit together, or nothing can be read
 */
export function readSvid(message: Buffer): Svid {
  try {
    const fields = readFields(message);
    const first = readFields(findField(fields, 1));
    const id = findField(first, 1).toString();
    const chain = splitDer(findField(first, 2)).map((der) => new X509Certificate(der));
    const [leaf] = chain;
    if (!leaf) throw new Error('there is no certificate');
    const key = createPrivateKey({ key: findField(first, 3), format: 'der', type: 'pkcs8' });
    if (!leaf.checkPrivateKey(key)) throw new Error('the certificate and the key do not fit together');
    const authorities = toPem(findField(first, 4));
    if (authorities.length === 0) throw new Error('there are no authorities');
    const federated = fields
      .filter(({ number }) => number === 3)
      .map(({ bytes }) => readFields(bytes))
      .map((entry) => [trustDomainOf(findField(entry, 1).toString()), toPem(findField(entry, 2))] as const);
    return {
      id,
      cert: chain.join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      leaf,
      authorities,
      federated: new Map(federated),
    };
  } catch (error) {
    throw usageError((error as Error).message).with({ cause: error });
  }
}

/**
 * Returns the material for connections with peers of a trust domain. Only the authorities of that domain may vouch for
 * them: those of another one could sign any id.
 * @param expectedId the id that the peer must have; it is of our trust domain if absent
 * @throws {TunlError} usage, if nobody vouches for that domain
 */
export function supplyFor({ id, cert, key, leaf, authorities, federated }: Svid, expectedId?: string): SuppliedTls {
  const domain = expectedId === undefined ? undefined : parseSpiffeId(expectedId)?.trustDomain;
  const isOwn = domain === undefined || domain === trustDomainOf(id);
  const trusted = isOwn ? authorities : federated.get(domain);
  if (trusted) return { own: { cert, key, leaf }, authorities: trusted, from: 'the SPIFFE Workload API' };
  const known = [...federated.keys()].join(', ') || 'none';
  throw usageError(`the SPIFFE agent knows no authorities of ${domain}`, `its federated trust domains: ${known}`);
}

function trustDomainOf(id: string): string {
  return id.replace(/^spiffe:\/\//, '').replace(/\/.*$/s, '');
}

function toPem(bytes: Buffer): string[] {
  return splitDer(bytes).map((der) => new X509Certificate(der).toString());
}

/** Splits certificates in DER that stand one after the other. */
function splitDer(bytes: Buffer): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    // A long form has the number of bytes of the length first (X.690, section 8.1.3).
    const first = bytes.readUInt8(at + 1);
    const count = first < 0x80 ? 0 : first - 0x80;
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
    const end = at + 2 + count + length;
    if (end > bytes.length) throw new RangeError('a certificate was cut short');
    list.push(bytes.subarray(at, end));
    at = end;
  }
  return list;
}
