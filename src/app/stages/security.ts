import { tlsLimit, within } from '../../core/deadline.ts';
import type { Layer } from '../../core/dialer.ts';
import type { Address } from '../../core/address.ts';
import { toTunlError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { describeTls, type Link, resetError } from '../../core/link.ts';
import type { IdentityTerms } from '../workload/identity.ts';
import type { SecureOptions } from '../../tls/client.ts';
import type { MaterialDemand } from '../../tls/material/material.ts';

/** The peer of a TLS handshake: its name, its name in messages, and the protocols to offer. */
export type SecuredPeer = Omit<SecureOptions, 'settings'>;

/** Secures connections to a peer that we dial, with the certificates and keys that were read for it. */
export interface Security {
  /**
   * Performs the TLS handshake on a Link to the peer. If it fails, the Link has been reset.
   * @throws {TunlError} tls_certificate_error, tls_protocol_error, tls_alert_received, or the signal's reason
   */
  secure(link: Link, peer: SecuredPeer, signal: AbortSignal): Promise<Link>;
  /**
   * Reads the files again, for later handshakes.
   * @throws {TunlError} usage; nothing has changed then
   */
  reload(): Promise<void>;
  /** Differs if the files had other contents; undefined if the certificate does not come from files. */
  readonly digest: string | undefined;
  /** Ends what renews the certificate, if it does not come from files. */
  close(): void;
}

/**
 * Reads the files that the settings name and applies the demands of a protocol, before anything is dialled.
 * @throws {TunlError} usage, naming the file and its fault
 */
export async function createSecurity(
  tls: TlsSettings,
  demand: MaterialDemand = {},
  identity?: IdentityTerms,
): Promise<Security> {
  // Loaded on demand, because TLS costs a tenth of the start of a plain `connect`.
  const [{ secure }, { loadTls, reloadTls }] = await Promise.all([
    import('../../tls/client.ts'),
    import('../../tls/material/material.ts'),
  ]);
  const source =
    identity && (await (await import('../workload/identity.ts')).openIdentity(identity, tls, () => reload()));
  let settings = await loadTls(tls, demand, source?.supply).catch((error: unknown) => {
    source?.close();
    throw error;
  });
  const reload = async () => {
    settings = await reloadTls(settings);
  };
  return {
    secure: (link, peer, signal) => secure(link, { ...peer, settings }, signal),
    reload,
    digest: settings.digest,
    close: () => source?.close(),
  };
}

/** Options for TLS at the end of a route. */
export interface SecuredEnd {
  /** The time that the handshake may take, in milliseconds; 0 means no limit. */
  readonly tlsMs: number;
  readonly describe: (address: Address) => SecuredPeer & { readonly place: string };
  /** Present if the handshake is reported as a step of the dial, as `-v` shows it. */
  readonly isStep?: true;
}

/** Makes the layer that adds TLS at the end of a route; its failures are of side `target`. */
export function secureEnd(security: Security, { tlsMs, describe, isStep }: SecuredEnd): Layer {
  return (next) => async (address, ctx) => {
    const link = await next(address, ctx);
    const peer = describe(address);
    const started = performance.now();
    try {
      const what = `${peer.place} did not finish the TLS handshake`;
      const secured = await within(tlsLimit(tlsMs), ctx.signal, what, (signal) => security.secure(link, peer, signal));
      if (isStep)
        ctx.onProgress?.({ phase: 'tls', detail: describeTls(secured.peer), ms: performance.now() - started });
      return secured;
    } catch (error) {
      link.reset(resetError('the TLS handshake failed'));
      throw toTunlError(error).with({ side: 'target', phase: 'tls' });
    }
  };
}
