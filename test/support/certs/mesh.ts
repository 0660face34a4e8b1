import { afterAll } from 'vitest';
import type { TlsSettings } from '../../../src/core/hop.ts';
import type { ServeOptions } from '../../../src/app/commands/options.ts';
import { type CertificateRequest, type Certs, type IssuedCertificate, makeCerts } from './certs.ts';

/** Returns the SPIFFE id of a workload of the test mesh. */
export function spiffeId(account: string, trustDomain = 'cluster.local'): string {
  return `spiffe://${trustDomain}/ns/shop/sa/${account}`;
}

/** A leaf and its key, as Node takes them. */
export interface Material {
  readonly cert: string;
  readonly key: string;
}

/** Certificates of a mesh: its root, and leaves whose only name is a SPIFFE id. */
export interface Mesh {
  readonly certs: Certs;
  /** Leaf and key of a workload that is a client, and of one that is a server. */
  readonly cart: Material;
  readonly gateway: Material;
  /** Issues a leaf for an account, an id or several of them. */
  issue(uris: string | readonly string[], more?: Partial<CertificateRequest>): Promise<IssuedCertificate>;
  /** The TLS settings of a hop that shows this leaf; by default `cart`. */
  hopTls(leaf?: IssuedCertificate): TlsSettings;
  /** The TLS settings of a server that shows this leaf; by default `gateway`. */
  serverTls(leaf?: IssuedCertificate): Required<Pick<NonNullable<ServeOptions['tls']>, 'cert' | 'key' | 'clientCa'>>;
}

/** Makes a mesh with two workloads, `cart` for clients and `gateway` for servers. Its files are removed after the test file. */
export async function makeMesh(): Promise<Mesh> {
  const certs = await makeCerts();
  afterAll(() => certs.remove());
  const issue: Mesh['issue'] = (uris, more) => certs.issue({ uris: typeof uris === 'string' ? [uris] : uris, ...more });
  const [cart, gateway] = await Promise.all([issue(spiffeId('cart')), issue(spiffeId('gateway'))]);
  return {
    certs,
    cart: { cert: cart.certPem, key: cart.keyPem },
    gateway: { cert: gateway.certPem, key: gateway.keyPem },
    issue,
    hopTls: ({ cert, key } = cart) => ({ cert, key, cacert: certs.ca.cert }),
    serverTls: ({ cert, key } = gateway) => ({ cert, key, clientCa: certs.ca.cert }),
  };
}
