import { constants } from 'node:crypto';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsDemand } from '../core/carrier.ts';
import { TunlError, usageError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import type { KeyPassword } from '../core/secret.ts';
import type { SpiffeId } from '../core/spiffe.ts';
import { explainHandshakeFailure, type TlsSide } from './failure.ts';
import { createHasClientName, type HasClientName } from './certificate/client-names.ts';
import { identityOf } from './certificate/identity.ts';
import { serverCiphers } from './material/ciphers.ts';
import { createContext, readOwnCertificate, toContextOptions } from './material/material.ts';
import type { OwnCertificate } from './certificate/source.ts';
import {
  assertUsable,
  completeHandshake,
  layUnder,
  type Overlay,
  overlayLink,
  prepareSocket,
  resetBelowOnError,
} from './overlay.ts';
import { readPeerCertificate } from './certificate/peer-certificate.ts';
import { readCertificates } from './material/pem.ts';
import { pinOf } from './certificate/pin.ts';
import type { Supply } from './material/supply.ts';
import { formatSource } from './certificate/source.ts';
import { expectSpiffeId, readOwnId } from './certificate/spiffe.ts';
import { Underlay } from './underlay.ts';
import { describeChainFailure } from './verify.ts';

/**
 * Sessions are not resumed, so that each connection proves the client's identity by its own certificate. A client that
 * offers ChaCha20 first gets it: its processor has no AES.
 */
const secureOptions =
  constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET | constants.SSL_OP_PRIORITIZE_CHACHA;

/** The files and the demands of a TLS server. */
export interface TlsServerOptions extends Omit<TlsDemand, 'sni' | 'clientCert'> {
  /** Path of the certificate. Without `cert` and `key` a development certificate is made. */
  readonly cert?: string;
  readonly key?: string;
  readonly keyPasswordFile?: string;
  readonly keyPassword?: KeyPassword;
  /** Path of the authorities of the clients' certificates. */
  readonly clientCa?: string;
  /** Whether every client must show one. True demands the authorities too. Default: `required`, where there are some. */
  readonly clientCert?: boolean | 'required' | 'optional';
  /** Names of which a client's certificate must have one: `DNS:NAME`, `IP:ADDRESS` or `URI:TEXT`. */
  readonly clientNames?: readonly string[];
  /** Gives certificate, key and authorities in the place of files. */
  readonly supply?: Supply;
}

/** The server side of TLS. */
export interface TlsAcceptor {
  /**
   * Puts TLS on any Link that a client opened. `peer.identity` is the identity in the client's certificate. When it
   * rejects, the Link below is closed, after the client could read the alert.
   * @throws {TunlError} of side `client`: tls_certificate_error, tls_protocol_error, tls_alert_received; or the signal's reason
   */
  accept(link: Link, signal: AbortSignal): Promise<Link>;
  /** `sha256/BASE64URL` of our certificate's key, for the clients' `pin`. */
  readonly pin: string;
  /** True if the certificate was made for this run. */
  readonly development: boolean;
  /**
   * Reads the files again for new connections; open ones live on.
   * @throws {TunlError} usage, and nothing changes
   */
  reload(): Promise<void>;
}

/**
 * Makes a TLS server from its files, or with a development certificate.
 * @throws {TunlError} usage
 */
export async function createTlsServer(options: TlsServerOptions): Promise<TlsAcceptor> {
  return new Acceptor(options, await load(options));
}

const ofClient = { side: 'client', phase: 'tls' } as const;

interface Material {
  readonly own: OwnCertificate;
  readonly context: SecureContext;
  readonly hasClientName?: HasClientName;
  /** Our SPIFFE id, if clients must belong to our trust domain. */
  readonly ownId?: SpiffeId;
}

class Acceptor implements TlsAcceptor {
  readonly development: boolean;
  readonly #options: TlsServerOptions;
  #material: Material;

  constructor(options: TlsServerOptions, material: Material) {
    this.development = options.cert === undefined && options.supply === undefined;
    this.#options = options;
    this.#material = material;
  }

  get pin(): string {
    return pinOf(this.#material.own.leaf);
  }

  async reload(): Promise<void> {
    const made = this.development ? this.#material.own : undefined;
    this.#material = await load(this.#options, made);
  }

  async accept(link: Link, signal: AbortSignal): Promise<Link> {
    const { alpn, min } = this.#options;
    const side: TlsSide = { role: 'server', peer: 'the client', hasCertificate: true, alpn, ...(min && { min }) };
    // A reload during the handshake must not change the id by which the client is judged.
    const { ownId } = this.#material;
    const overlay = this.#layTls(link, side, signal);
    const { socket, under } = overlay;
    try {
      await completeHandshake(overlay, 'secure', signal);
      resetBelowOnError(overlay);
      const identity = this.#asksClient ? this.#identify(socket, ownId) : {};
      // Only `tls.Server` clears it, and an HTTP/2 session on the socket waits for that.
      (socket as { secureConnecting?: boolean }).secureConnecting = false;
      return overlayLink(overlay, identity);
    } catch (error) {
      const failure = explainHandshakeFailure(error as Error, side).with(ofClient);
      if (signal.aborted) resetBelowOnError(overlay);
      // If TLS itself failed, this closes cleanly: a reset could overtake the alert with the reason.
      socket.destroy(failure);
      if (under instanceof Underlay) await under.gone;
      throw failure;
    }
  }

  get #asksClient(): boolean {
    return (this.#options.clientCa ?? this.#options.supply) !== undefined;
  }

  get #isOptional(): boolean {
    const { clientCert, verify } = this.#options;
    return clientCert === 'optional' && verify !== 'spiffe';
  }

  #identify(socket: TLSSocket, ownId: SpiffeId | undefined): { readonly identity?: string } {
    if (this.#isOptional && !readPeerCertificate(socket)) return {};
    return { identity: identifyClient(socket, ownId, this.#material.hasClientName) };
  }

  #layTls(link: Link, side: TlsSide, signal: AbortSignal): Overlay {
    try {
      assertUsable(link, side, signal);
    } catch (error) {
      link.reset(error as Error);
      throw (error as TunlError).with(ofClient);
    }
    const { alpn } = this.#options;
    const under = layUnder(link);
    const socket = new TLSSocket(under as ConstructorParameters<typeof TLSSocket>[0], {
      isServer: true,
      secureContext: this.#material.context,
      requestCert: this.#asksClient,
      // Makes OpenSSL refuse a client without a certificate; `identifyClient` refuses a bad one.
      rejectUnauthorized: this.#asksClient && !this.#isOptional,
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    });
    const overlay: Overlay = { socket, below: link, under, side };
    prepareSocket(overlay);
    return overlay;
  }
}

/**
 * Returns the identity of a client whose chain was accepted. The verdict is read from the socket's handle, because only
 * `tls.Server` fills in Node's public property; anything but a clear yes is a refusal.
 */
function identifyClient(
  socket: TLSSocket,
  ownId: SpiffeId | undefined,
  hasClientName: HasClientName = () => true,
): string {
  const { ssl } = socket as { ssl?: { verifyError(): NodeJS.ErrnoException | null } };
  const certificate = readPeerCertificate(socket);
  const error: NodeJS.ErrnoException | null = ssl ? ssl.verifyError() : new Error('closed');
  if (certificate && error === null) {
    if (!hasClientName(certificate))
      throw new TunlError('tls_certificate_error', 'the certificate of the client is for other names');
    return ownId ? expectSpiffeId(certificate, 'the client', { ownId }).text : identityOf(certificate);
  }
  const code = error?.code ?? 'CERT_REJECTED';
  throw new TunlError('tls_certificate_error', describeChainFailure(code, 'the client', certificate), { cause: error });
}

async function load(options: TlsServerOptions, made?: OwnCertificate): Promise<Material> {
  const { cert, key, clientCa, clientNames, supply } = options;
  if ((cert === undefined) !== (key === undefined)) throw usageError('--cert and --key go together');
  assertMeets(options);
  const supplied = supply?.();
  const [own, authorities] = supplied
    ? [supplied.own, { pem: [...supplied.authorities] }]
    : await Promise.all([
        made ?? readOrMake(options),
        clientCa === undefined ? undefined : readCertificates({ option: '--client-ca', path: clientCa }),
      ]);
  const source = { option: '--cert', path: cert ?? '' };
  const ownId = options.verify === 'spiffe' ? readOwnId(own.leaf, source) : undefined;
  const context = createContext(
    {
      cert: own.cert,
      key: own.key,
      ca: authorities?.pem ?? [],
      ciphers: serverCiphers,
      ...toContextOptions(options),
      honorCipherOrder: true,
      secureOptions,
      // Without it OpenSSL fails the handshake of a client that offers a session.
      sessionIdContext: 'tunl',
    },
    supplied ? supplied.from : cert === undefined ? 'the development certificate' : formatSource(source),
  );
  const hasClientName = clientNames && createHasClientName(clientNames);
  return { own, context, ...(ownId && { ownId }), ...(hasClientName && { hasClientName }) };
}

function assertMeets({ cert, clientCa, clientCert, clientNames, verify, supply }: TlsServerOptions): void {
  if (clientCa === undefined && (typeof clientCert === 'string' || clientNames))
    throw usageError('client-cert and client-name need client-ca: the authorities to check certificates by');
  if (supply) return;
  if (verify === 'spiffe' && cert === undefined)
    throw usageError('--cert and --key are needed: clients ask for a SPIFFE id');
  if (clientCert === true && clientCa === undefined)
    throw usageError("--client-ca is needed: the authorities of the clients' certificates");
}

async function readOrMake({ cert, key, ...options }: TlsServerOptions): Promise<OwnCertificate> {
  if (cert !== undefined && key !== undefined) {
    return readOwnCertificate({ option: '--cert', path: cert }, { option: '--key', path: key }, options);
  }
  const { makeDevelopmentCertificate } = await import('./development.ts');
  return makeDevelopmentCertificate();
}
