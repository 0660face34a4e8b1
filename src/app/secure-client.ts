import { tlsLimit, within } from '../core/deadline.ts';
import { toTunlError } from '../core/errors.ts';
import { type Link, resetError } from '../core/link.ts';
import type { TlsAcceptor } from '../tls/server.ts';

/**
 * Performs the TLS handshake on a Link that a client opened, within `tlsMs` milliseconds.
 * @throws {TunlError} of side `client`; the Link has been reset then
 */
export async function secureClient(
  acceptor: TlsAcceptor,
  accepted: Link,
  tlsMs: number,
  draining: AbortSignal,
): Promise<Link> {
  try {
    return await within(tlsLimit(tlsMs), draining, 'the client did not finish the TLS handshake', (signal) =>
      acceptor.accept(accepted, signal),
    );
  } catch (error) {
    accepted.reset(resetError('the TLS handshake failed'));
    throw toTunlError(error).with({ side: 'client', phase: 'tls' });
  }
}
