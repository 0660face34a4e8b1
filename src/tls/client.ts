import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { TlsDemand } from '../core/carrier.ts';
import type { Link } from '../core/link.ts';
import { explainHandshakeFailure, type TlsSide } from './failure.ts';
import type { LoadedTls, ReadyTls } from './material/material.ts';
import {
  assertUsable,
  completeHandshake,
  layUnder,
  type Overlay,
  overlayLink,
  type ProvenFacts,
  prepareSocket,
  resetBelowOnError,
} from './overlay.ts';
import { readPeerCertificate } from './certificate/peer-certificate.ts';
import { assertServerTrusted, explainChainFailure } from './verify.ts';

/** Options of TLS on one connection to a server. */
export interface SecureOptions extends Pick<TlsDemand, 'alpn' | 'sni'> {
  /** Name or address that was dialled. Unless `servername` is set, it is verified and, if it is a name, sent as SNI. */
  readonly host: string;
  /** The server as messages name it, with its port. Default: the host. */
  readonly place?: string;
  /** A hint for a server that does not speak TLS. */
  readonly withoutTls?: string;
  readonly settings: LoadedTls;
  /** The SPIFFE id that the server must have. Default: any id of our trust domain. */
  readonly expectedId?: string;
}

/**
 * Puts TLS on any Link, as the client. When it resolves, the server has proved its identity, and nothing but the
 * handshake has been sent before. When it rejects, the Link below has been reset.
 * @throws {TunlError} tls_certificate_error, tls_protocol_error, tls_alert_received, or the signal's reason
 */
export async function secure(link: Link, options: SecureOptions, signal: AbortSignal): Promise<Link> {
  const { host, place = host, withoutTls, settings: loaded, alpn } = options;
  const { min } = loaded.demand;
  const hasCertificate = loaded.settings.cert !== undefined || loaded.supply !== undefined;
  const side: TlsSide = {
    role: 'client',
    peer: place,
    hasCertificate,
    alpn,
    ...(min && { min }),
    ...(withoutTls !== undefined && { withoutTls }),
  };
  let overlay: Overlay | undefined;
  try {
    const settings = await loaded.ready();
    assertUsable(link, side, signal);
    overlay = layTls(link, { ...options, settings }, side);
    return overlayLink(overlay, await authenticate(overlay, { ...options, settings }, signal));
  } catch (error) {
    const failure = explainHandshakeFailure(error as Error, side);
    overlay?.socket.destroy(failure);
    link.reset(failure);
    throw failure;
  }
}

/** The same options with settings that are ready. */
interface ReadyOptions extends SecureOptions {
  readonly settings: ReadyTls;
}

function layTls(link: Link, { host, settings, alpn, sni = true }: ReadyOptions, side: TlsSide): Overlay {
  const { servername = host, insecure = false } = settings.settings;
  const under = layUnder(link);
  const socket = connect({
    socket: under,
    secureContext: settings.context,
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    // RFC 6066, section 3: a literal address is never sent.
    ...(sni && isIP(servername) === 0 && { servername }),
    // Given explicitly, because NODE_TLS_REJECT_UNAUTHORIZED=0 would decide otherwise.
    rejectUnauthorized: settings.settings.pin === undefined && !insecure,
    // `assertServerTrusted` checks the names after every handshake.
    checkServerIdentity: () => undefined,
  });
  const overlay: Overlay = { socket, below: link, under, side };
  prepareSocket(overlay);
  resetBelowOnError(overlay);
  return overlay;
}

/** Waits for the handshake, checks the server's identity, and returns what it has proved. */
async function authenticate(
  overlay: Overlay,
  { host, settings, expectedId }: ReadyOptions,
  signal: AbortSignal,
): Promise<ProvenFacts> {
  const { socket } = overlay;
  const expected = settings.settings.servername ?? host;
  let shown: X509Certificate | undefined;
  // If the chain is not accepted, the socket has no certificate any more when the error arrives.
  socket.prependOnceListener('secure', () => {
    shown = readPeerCertificate(socket);
  });
  try {
    await completeHandshake(overlay, 'secureConnect', signal);
  } catch (error) {
    throw explainChainFailure(error as Error, expected, settings, shown) ?? error;
  }
  const proven = assertServerTrusted(socket, expected, settings, expectedId);
  return { ...proven, ...(settings.trust && { trusting: settings.trust.description }) };
}
