import { createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { IssuedCertificate } from '../certs/certs.ts';

/** Starts a server on 127.0.0.1 that shows a certificate, and returns its port. By default it closes connections at once. */
export async function startTls(
  { certPem, keyPem }: IssuedCertificate,
  behave: (socket: TLSSocket) => void = (socket) => void socket.end(),
): Promise<number> {
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    behave(socket);
  });
  server.on('tlsClientError', () => {});
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
