import type { Link } from '../../../src/core/link.ts';
import type { TlsSettings } from '../../../src/core/hop.ts';
import { secure } from '../../../src/tls/client.ts';
import { loadTls } from '../../../src/tls/material/material.ts';
import { createTlsServer, type TlsServerOptions } from '../../../src/tls/server.ts';
import type { LinkPair } from '../../conformance/link-contract.ts';
import type { Certs } from '../certs/certs.ts';

/** The settings of the two ends of a TLS connection. */
export interface TlsPairOptions {
  readonly server?: Partial<TlsServerOptions>;
  readonly client?: TlsSettings;
  readonly host?: string;
  readonly alpn?: readonly string[];
  readonly signal?: AbortSignal;
}

/** The result of a handshake at both ends. */
export interface TlsOutcome {
  readonly client: PromiseSettledResult<Link>;
  readonly server: PromiseSettledResult<Link>;
}

/** Tries a handshake over a joined pair: our client at `first`, our server at `second`. */
export async function tryTls(certs: Certs, below: LinkPair, options: TlsPairOptions = {}): Promise<TlsOutcome> {
  const { host = 'localhost', alpn = [], signal = new AbortController().signal } = options;
  const { cert, key } = certs.server;
  const acceptor = await createTlsServer({ cert, key, alpn, ...options.server });
  const settings = await loadTls(options.client ?? { cacert: certs.ca.cert });
  const [server, client] = await Promise.allSettled([
    acceptor.accept(below.second, signal),
    secure(below.first, { host, settings, alpn }, signal),
  ]);
  return { client, server };
}

/** Puts TLS on a joined pair, with our code at both ends. */
export async function makeTlsPair(certs: Certs, below: LinkPair, options?: TlsPairOptions): Promise<LinkPair> {
  const { client, server } = await tryTls(certs, below, options);
  if (client.status === 'rejected') throw client.reason;
  if (server.status === 'rejected') throw server.reason;
  return { first: client.value, second: server.value };
}
