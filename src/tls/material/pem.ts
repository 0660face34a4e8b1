import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TunlError } from '../../core/errors.ts';
import { findPassword, type PasswordSource, wrongPassword } from './key-password.ts';
import { formatSource, type PemSource, sourceError } from '../certificate/source.ts';

/** A certificate and those that follow it in its file. The leaf comes first. */
export interface CertificateFile {
  readonly pem: string;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

/** A private key, as unencrypted PEM. */
export interface KeyFile {
  readonly pem: string;
  readonly key: KeyObject;
}

interface Block {
  readonly label: string;
  readonly text: string;
}

/**
 * Reads the certificates of a PEM file.
 * @throws {TunlError} usage
 */
export async function readCertificates(source: PemSource): Promise<CertificateFile> {
  const { pem, blocks } = await readPem(source);
  const found = blocks.filter(isCertificate);
  const [first, ...rest] = found.map((block, index) => parseCertificate(source, block, index, found.length));
  if (!first) throw sourceError(source, `${formatSource(source)} holds no certificate, only ${listLabels(blocks)}`);
  return { pem, certificates: [first, ...rest] };
}

/**
 * Reads the private key of a PEM file, and asks for its password if it is encrypted.
 * @throws {TunlError} usage
 */
export async function readKey(source: PemSource, password: PasswordSource): Promise<KeyFile> {
  const { blocks } = await readPem(source);
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!block) throw sourceError(source, `${formatSource(source)} holds no private key, only ${listLabels(blocks)}`);
  if (isEncrypted(block)) return decryptKey(source, block, password);
  try {
    return { pem: block.text, key: createPrivateKey(block.text) };
  } catch (error) {
    throw brokenError(source, 'the private key', error);
  }
}

async function decryptKey(source: PemSource, { text }: Block, place: PasswordSource): Promise<KeyFile> {
  const { password, from } = await findPassword(source, place);
  try {
    const key = createPrivateKey({ key: text, passphrase: password.reveal() });
    return { pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), key };
  } catch (error) {
    // EVP fails for a cipher that OpenSSL lacks. The decoder says unsupported, too, when one wrong password in about 200
    // gives well-padded garbage.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_OSSL_EVP_UNSUPPORTED') throw wrongPassword(source, from, error);
    throw sourceError(
      source,
      `${formatSource(source)} is encrypted in a way that OpenSSL 3 no longer supports`,
      'openssl pkey -provider legacy -provider default -in OLD -out NEW -aes256',
    ).with({ cause: error });
  }
}

/**
 * Reads a whole file.
 * @throws {TunlError} usage
 */
export function readBytes(source: PemSource): Promise<Buffer> {
  return readFile(source.path).catch((error: NodeJS.ErrnoException) => {
    throw sourceError(
      source,
      `cannot read ${formatSource(source)}: ${explainReadError(error)}`,
      'give the path of a PEM file',
    );
  });
}

/** True for bytes that begin like PKCS #12 (RFC 7292, section 4): a sequence that starts with version 3. */
export function isPkcs12(bytes: Buffer): boolean {
  const length = bytes[1] ?? 0;
  const start = length > 0x80 ? 2 + (length & 0x7f) : 2;
  return bytes[0] === 0x30 && bytes.subarray(start, start + 3).equals(Buffer.from([2, 1, 3]));
}

async function readPem(source: PemSource): Promise<{ pem: string; blocks: Block[] }> {
  const bytes = await readBytes(source);
  const pem = bytes.toString('utf8');
  const blocks = splitBlocks(pem);
  if (blocks.length > 0) return { pem, blocks };
  if (bytes.length === 0) throw sourceError(source, `${formatSource(source)} is empty`);
  // Every DER file is an ASN.1 sequence, which begins with 0x30.
  const hint = isPkcs12(bytes)
    ? ['it looks like PKCS #12, which cert=FILE reads together with its key']
    : bytes[0] === 0x30
      ? ['it looks like DER; convert it: openssl x509 -inform der -in FILE -out FILE']
      : [];
  throw sourceError(
    source,
    `${formatSource(source)} is not PEM: there is no -----BEGIN ...----- and -----END ...----- in it`,
    ...hint,
  );
}

/** Finds the certificates in a text, as PEM; anything else in it is ignored. */
export function findCertificates(text: string): string[] {
  return splitBlocks(text).flatMap((block) => (isCertificate(block) ? [block.text] : []));
}

/** True for a certificate that Node can parse. */
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

/** True for an encrypted key: PKCS #8 shows it in the label, the older form in a header (RFC 1421, section 4.6.1.1). */
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
  return sourceError(source, `${part} in ${formatSource(source)} is damaged`).with({ cause });
}

/** Explains in words why a file cannot be read. */
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
