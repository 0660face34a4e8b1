import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { clientCiphers } from './ciphers.ts';
import type { PasswordSource } from './key-password.ts';
import { isPkcs12, readBytes, readCertificates, readKey } from './pem.ts';
import type { SpiffeId } from '../../core/spiffe.ts';
import { formatSource, type OwnCertificate, type PemSource, sourceError } from '../certificate/source.ts';
import { readOwnId } from '../certificate/spiffe.ts';
import { hasOwnStore } from './store.ts';
import type { Supply } from './supply.ts';
import { type Authorities, countAuthorities, findAuthorities } from './trust.ts';

/** Lowest version accepted (RFC 8996 retires older ones). It is given explicitly so that NODE_OPTIONS cannot lower it. */
const minVersion = 'TLSv1.2';

/** Demands of a protocol on certificates and TLS. */
export type MaterialDemand = Pick<TlsDemand, 'min' | 'ciphers' | 'clientCert' | 'verify'>;

/** TLS settings whose files have been read, so that no connection reads a file. */
export interface LoadedTls {
  readonly settings: TlsSettings;
  readonly demand: MaterialDemand;
  /** The SPIFFE id in our certificate, if the protocol demands one. */
  readonly ownId?: SpiffeId;
  /** The number of times that the files were read; connections of different generations are not shared. */
  readonly generation: number;
  /** Differs if the files have other contents; undefined if what counts does not come from files. */
  readonly digest: string | undefined;
  /** Present if our certificate and the authorities come from elsewhere, and not from files. */
  readonly supply?: Supply;
  /** Prepares the settings for handshakes. The first call reads the authorities of the system, if they are needed. */
  readonly ready: () => Promise<ReadyTls>;
}

/** TLS settings with everything that a handshake needs. */
export interface ReadyTls extends LoadedTls {
  readonly context: SecureContext;
  /** The authorities that are trusted; absent if none are needed. */
  readonly trust?: Pick<Authorities, 'description' | 'notes'>;
}

/**
 * Reads the files that the settings name, and checks that they fit together and meet the demands of the protocol.
 * @throws {TunlError} usage, naming the file and its fault
 */
export function loadTls(settings: TlsSettings, demand: MaterialDemand = {}, supply?: Supply): Promise<LoadedTls> {
  return load(settings, demand, 1, supply);
}

/**
 * Reads the files again. The settings loaded before stay usable.
 * @throws {TunlError} usage
 */
export function reloadTls({ settings, demand, generation, supply }: LoadedTls): Promise<LoadedTls> {
  return load(settings, demand, generation + 1, supply);
}

/**
 * Reads a certificate and its key, which may be in the same file, and must be if that is PKCS #12.
 * @throws {TunlError} usage
 */
export async function readOwnCertificate(
  cert: PemSource,
  key: PemSource,
  password: PasswordSource = {},
): Promise<OwnCertificate> {
  const bytes = await readBytes(cert);
  if (isPkcs12(bytes)) {
    const { readBundle } = await import('./bundle.ts');
    return readBundle(bytes, cert, key, password);
  }
  const [chain, own] = await Promise.all([readCertificates(cert), readKey(key, password)]);
  const [leaf] = chain.certificates;
  if (!leaf.checkPrivateKey(own.key)) throw mismatchError(cert, key, chain.certificates, own.key);
  return { cert: chain.pem, key: own.pem, leaf };
}

/**
 * Makes a context of material that was checked.
 * @throws {TunlError} usage, if OpenSSL finds it too weak
 */
export function createContext(options: SecureContextOptions, what: string): SecureContext {
  try {
    return createSecureContext({ minVersion, ...options });
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    throw usageError(`cannot use ${what}: ${reason ?? message}`).with({ cause: error });
  }
}

function digestOf(...parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

async function load(
  settings: TlsSettings,
  demand: MaterialDemand,
  generation: number,
  supply?: Supply,
): Promise<LoadedTls> {
  const { cacert, cert, key, pin, insecure = false } = settings;
  assertServername(settings.servername);
  assertMeets(settings, demand, supply !== undefined);
  if (cert === undefined && key !== undefined)
    throw usageError(`key ${JSON.stringify(key)} has no effect without cert`);
  const supplied = supply?.();
  const [given, own] = supplied
    ? [undefined, supplied.own]
    : await Promise.all([
        cacert === undefined ? undefined : readCertificates({ option: 'cacert', path: cacert }),
        cert === undefined
          ? undefined
          : readOwnCertificate({ option: 'cert', path: cert }, keySource(cert, key), settings),
      ]);
  const ownSource = { option: 'cert', path: cert ?? '' };
  const ownId = own && demand.verify === 'spiffe' ? readOwnId(own.leaf, ownSource) : undefined;
  const digest = supply ? undefined : digestOf(given?.pem, own?.cert, own?.key);
  const loaded = { settings, demand, generation, digest, ...(ownId && { ownId }), ...(supply && { supply }) };
  const make = (ca: SecureContextOptions['ca'], more: SecureContextOptions = {}) =>
    createContext(
      {
        ciphers: clientCiphers,
        ...toContextOptions(demand),
        ...more,
        ca,
        ...(own && { cert: own.cert, key: own.key }),
      },
      own ? formatSource(ownSource) : 'the TLS settings',
    );
  if (supplied) {
    const { authorities, from } = supplied;
    const context = make([...authorities]);
    const description = `${countAuthorities(authorities.length)} from ${from}`;
    return withReady(loaded, async () => ({ context, trust: { description, notes: [] } }));
  }
  const isJudgedByChain = pin === undefined && !insecure;
  // Made in any case, so that faults of our own certificate are reported before anything is opened.
  const plain = make(isJudgedByChain && given ? given.pem : [], given && partialChains);
  if (given || !isJudgedByChain) {
    const description = given && `${countAuthorities(given.certificates.length)} from cacert ${JSON.stringify(cacert)}`;
    const trust = isJudgedByChain && description !== undefined && { trust: { description, notes: [] } };
    return withReady(loaded, async () => ({ context: plain, ...trust }));
  }
  const find = await findAuthorities(settings);
  return withReady(loaded, async () => {
    const trust = await find();
    const makeTrusting = () => trustAll(trust, (ca) => make(ca, partialChains));
    if (own) return { context: makeTrusting(), trust };
    const kind = JSON.stringify(toContextOptions(demand));
    const context = trust.contexts.get(kind) ?? makeTrusting();
    trust.contexts.set(kind, context);
    return { context, trust };
  });
}

/**
 * Makes a context that trusts authorities. Node reads its own into a store in any case, so most of the time goes if they
 * are not given to it once more as texts; the others are added to a copy of that store.
 */
function trustAll(
  { builtIn, others }: Authorities,
  make: (ca: SecureContextOptions['ca'] | undefined) => SecureContext,
): SecureContext {
  if (!hasOwnStore(process)) return make([...builtIn, ...others]);
  const context = make(undefined);
  const { context: inner } = context as { context?: { addCACert?: (pem: string) => void } };
  if (typeof inner?.addCACert !== 'function') return make([...builtIn, ...others]);
  for (const pem of others) inner.addCACert(pem);
  return context;
}

/** Lets users trust an intermediate authority, as curl does. */
const partialChains: SecureContextOptions = { allowPartialTrustChain: true };

/** Adds a `ready` that prepares the settings once. */
function withReady(
  loaded: Omit<LoadedTls, 'ready'>,
  prepare: () => Promise<Pick<ReadyTls, 'context' | 'trust'>>,
): LoadedTls {
  let ready: Promise<ReadyTls> | undefined;
  const result: LoadedTls = {
    ...loaded,
    ready: () => (ready ??= prepare().then((parts) => ({ ...result, ...parts }))),
  };
  return result;
}

/** The parts of a demand that OpenSSL enforces. */
export function toContextOptions({ min, ciphers }: Pick<MaterialDemand, 'min' | 'ciphers'>): SecureContextOptions {
  return { ...(min && { minVersion: min }), ...(ciphers && { ciphers: ciphers.join(':') }) };
}

/** Checks that the settings meet the demand; where ids are verified, none may switch that off. */
function assertMeets(settings: TlsSettings, { clientCert, verify }: MaterialDemand, isSupplied: boolean): void {
  if (clientCert && settings.cert === undefined && !isSupplied)
    throw usageError('our own certificate is needed', 'cert=FILE&key=FILE');
  if (verify !== 'spiffe') return;
  const refused = (['insecure', 'pin', 'servername'] as const).find((name) => settings[name]);
  if (refused) throw usageError(`${refused} cannot be set where the other side is known by its SPIFFE id`);
  // Public authorities certify host names, not SPIFFE ids.
  if (settings.cacert === undefined && !isSupplied)
    throw usageError('the authorities of the mesh are needed', 'cacert=FILE');
}

function keySource(cert: string, key: string | undefined): PemSource {
  return key === undefined ? { option: 'key (from cert)', path: cert } : { option: 'key', path: key };
}

/** Checks a server name. OpenSSL takes it as a C string, which a NUL would cut, and certificates have ASCII names only. */
function assertServername(name: string | undefined): void {
  if (name === undefined) return;
  if (!/^[\x21-\x7e]{1,253}$/.test(name)) throw usageError(`servername ${JSON.stringify(name)} is not a host name`);
}

function mismatchError(cert: PemSource, key: PemSource, chain: readonly X509Certificate[], own: KeyObject) {
  const misplaced = chain.some((certificate) => certificate.checkPrivateKey(own));
  const hint = misplaced ? ['the certificate of the key must be the first in its file'] : [];
  return sourceError(key, `${formatSource(key)} is not the key of ${formatSource(cert)}`, ...hint);
}
