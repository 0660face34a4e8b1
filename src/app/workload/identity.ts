import { usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { TlsSettings } from '../../core/hop.ts';
import type { Supply } from '../../tls/material/supply.ts';
import { openWorkloadSource } from './source.ts';
import { supplyFor } from './svid.ts';

/** An agent that gives the certificate and the authorities in the place of files. */
export interface IdentityTerms {
  /** The address of its socket, `unix:PATH`. */
  readonly agent: string;
  /** The SPIFFE id that the peer must have; any of our trust domain if absent. */
  readonly expectedId?: string | undefined;
  readonly emit: EventSink;
  /** Called after each renewal, for connections that are kept. */
  readonly onRenew: () => void;
  /** Aborted when nothing new is dialled any more: the identity stays as it is from then on. */
  readonly until?: AbortSignal | undefined;
}

/**
 * Opens the source of our identity for connections with one peer.
 * @param reload reads what `supply` returns, for later handshakes
 * @throws {TunlError} usage, if files are named too, or the agent gives nothing that can be used for the peer
 */
export async function openIdentity(
  { agent, expectedId, emit, onRenew, until }: IdentityTerms,
  { cert, cacert }: TlsSettings,
  reload: () => Promise<void>,
): Promise<{ readonly supply: Supply; close(): void }> {
  if (cert !== undefined || cacert !== undefined)
    throw usageError('spiffe= gives certificate, key and authorities', 'leave cert, key and cacert out');
  const source = await openWorkloadSource(agent, {
    emit,
    async onRenew() {
      await reload();
      onRenew();
    },
  });
  const supply = () => supplyFor(source.current, expectedId);
  try {
    supply();
  } catch (error) {
    source.close();
    throw error;
  }
  const close = () => source.close();
  if (until?.aborted) close();
  else until?.addEventListener('abort', close, { once: true });
  return { supply, close };
}
