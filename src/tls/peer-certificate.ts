import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/**
 * The certificate that the other side showed. Node's `getPeerX509Certificate` takes it out of the chain on
 * the client's side, so that whoever asks next finds none (seen with Node 20).
 */
export function readPeerCertificate(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() ?? {};
  return raw && new X509Certificate(raw);
}
