import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/**
 * Reads the certificate that the other side showed. Node's `getPeerX509Certificate` removes it from the chain on the
 * client's side, so that the next call finds none (seen with Node 20).
 */
export function readPeerCertificate(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() ?? {};
  return raw && new X509Certificate(raw);
}
