/** A SPIFFE id in the form that Istio uses: `spiffe://cluster.local/ns/shop/sa/cart`. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** The whole id. Ids have a single spelling, so they are compared as text. */
  readonly text: string;
}

/** The variable that names the socket of the SPIFFE agent (SPIFFE Workload Endpoint, section 4). */
export const agentVariable = 'SPIFFE_ENDPOINT_SOCKET';

// A trust domain: SPIFFE-ID, section 2.1; the length of the whole: section 2.3.
const pattern = /^spiffe:\/\/([a-z0-9._-]{1,255})\/ns\/([A-Za-z0-9._-]+)\/sa\/([A-Za-z0-9._-]+)$/;
const maxLength = 2048;

/** Reads `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`; `undefined` for any other text. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const [, trustDomain, ...names] = (text.length <= maxLength && pattern.exec(text)) || [];
  // Section 2.2: a segment must not be `.` or `..`.
  if (trustDomain === undefined || names.some((name) => /^\.\.?$/.test(name))) return undefined;
  return { trustDomain, text };
}
