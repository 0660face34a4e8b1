import type { CertFiles } from '../support/origin.ts';
import { type Part, startPart } from '../support/part.ts';

/** The protocols that nghttpx speaks with its clients and with the proxy behind it. */
export interface NghttpxOptions {
  /** The proxy that it sends every request on to. */
  readonly backendPort: number;
  readonly backend: 'http/1.1' | 'h2';
  /** With a certificate it speaks TLS with its clients, HTTP/2 or HTTP/1.1 by ALPN; else it goes by the first bytes. */
  readonly tls?: CertFiles;
  /** The authority of which each client has to show a certificate. */
  readonly clientCa?: string;
}

/** Starts nghttpx as a proxy in front of another one. */
export function startNghttpx({ backendPort, backend, tls, clientCa }: NghttpxOptions): Promise<Part> {
  return startPart('nghttpx', (port) => ({
    file: 'nghttpx',
    args: [
      '--conf=/dev/null',
      '--http2-proxy',
      `--frontend=127.0.0.1,${port}${tls ? '' : ';no-tls'}`,
      `--backend=127.0.0.1,${backendPort};;proto=${backend}`,
      '--workers=1',
      // Tunnels to one target that are open at a time; the default is 8, and the next ones wait.
      '--backend-connections-per-host=1000',
      '--accesslog-file=/dev/null',
      ...(clientCa === undefined ? [] : ['--verify-client', `--verify-client-cacert=${clientCa}`]),
      ...(tls ? [tls.key, tls.cert] : []),
    ],
  }));
}
