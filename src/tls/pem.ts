import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type TunlError, usageError } from '../core/errors.ts';

/** A file as the user named it: the option or setting it came from, and its path. */
export interface PemSource {
  readonly option: string;
  readonly path: string;
}

/** A certificate with the ones that follow it in its file. The leaf comes first. */
export interface CertificateFile {
  readonly pem: string;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

/** A private key that is not encrypted. */
export interface KeyFile {
  readonly pem: string;
  readonly key: KeyObject;
}

interface Block {
  readonly label: string;
  readonly text: string;
}

/** Names the file in a message: `cacert "/etc/ssl/ca.pem"`. */
export function formatSource({ option, path }: PemSource): string {
  return `${option} ${JSON.stringify(path)}`;
}

/**
 * Reads the certificates of a PEM file.
 * @throws {TunlError} usage
 */
export async function readCertificates(source: PemSource): Promise<CertificateFile> {
  const { pem, blocks } = await readPem(source);
  const found = blocks.filter(isCertificate);
  const [first, ...rest] = found.map((block, index) => parseCertificate(source, block, index, found.length));
  if (!first) throw usageError(`${formatSource(source)} holds no certificate, only ${listLabels(blocks)}`);
  return { pem, certificates: [first, ...rest] };
}

/**
 * Reads the private key of a PEM file.
 * @throws {TunlError} usage
 */
export async function readKey(source: PemSource): Promise<KeyFile> {
  const { blocks } = await readPem(source);
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!block) throw usageError(`${formatSource(source)} holds no private key, only ${listLabels(blocks)}`);
  if (isEncrypted(block)) {
    throw usageError(
      `${formatSource(source)} is encrypted`,
      'write it without its passphrase: openssl pkey -in FILE -out FILE',
    );
  }
  try {
    return { pem: block.text, key: createPrivateKey(block.text) };
  } catch (error) {
    throw brokenError(source, 'the private key', error);
  }
}

async function readPem(source: PemSource): Promise<{ pem: string; blocks: Block[] }> {
  const bytes = await readFile(source.path).catch((error: NodeJS.ErrnoException) => {
    throw usageError(`cannot read ${formatSource(source)}: ${explainReadError(error)}`, 'give the path of a PEM file');
  });
  const pem = bytes.toString('utf8');
  const blocks = splitBlocks(pem);
  if (blocks.length > 0) return { pem, blocks };
  if (bytes.length === 0) throw usageError(`${formatSource(source)} is empty`);
  // 0x30 opens the ASN.1 sequence that every DER and PKCS #12 file is.
  const hint = bytes[0] === 0x30 ? ['it looks like DER; convert it: openssl x509 -inform der -in FILE -out FILE'] : [];
  throw usageError(
    `${formatSource(source)} is not PEM: there is no -----BEGIN ...----- and -----END ...----- in it`,
    ...hint,
  );
}

/** The certificates in a text, as PEM; whatever else it holds is passed over. */
export function findCertificates(text: string): string[] {
  return splitBlocks(text).flatMap((block) => (isCertificate(block) ? [block.text] : []));
}

/** True where Node can make something of a certificate. */
export function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function isCertificate({ label }: Block): boolean {
  return label.endsWith('CERTIFICATE');
}

function splitBlocks(pem: string): Block[] {
  const pattern = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*(?:-[^-]+)*-----END \1-----/g;
  return Array.from(pem.matchAll(pattern), ([text, label = '']) => ({ label, text }));
}

function listLabels(blocks: readonly Block[]): string {
  return [...new Set(blocks.map(({ label }) => label.toLowerCase()))].join(' and ');
}

/** PKCS #8 says it in the label, the older form in a header (RFC 1421, section 4.6.1.1). */
function isEncrypted({ label, text }: Block): boolean {
  return label.startsWith('ENCRYPTED') || text.includes('Proc-Type: 4,ENCRYPTED');
}

function parseCertificate(source: PemSource, block: Block, index: number, count: number): X509Certificate {
  try {
    return new X509Certificate(block.text);
  } catch (error) {
    throw brokenError(source, count > 1 ? `certificate ${index + 1} of ${count}` : 'the certificate', error);
  }
}

function brokenError(source: PemSource, part: string, cause: unknown): TunlError {
  return usageError(`${part} in ${formatSource(source)} is damaged`).with({ cause });
}

/** Why a file cannot be read, in words. */
export function explainReadError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return error.code ?? error.message;
  }
}
