import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  type KeyObject,
  pbkdf2Sync,
  X509Certificate,
} from 'node:crypto';
import { createSecureContext } from 'node:tls';
import * as asn1js from 'asn1js';

/** The contents of a PKCS #12 file (RFC 7292): certificates in the order of the file, and the key. */
export interface Pkcs12 {
  readonly certificates: readonly X509Certificate[];
  readonly key: KeyObject | undefined;
}

/** A reason for which a file is not opened: wrong password, encryption that OpenSSL no longer supports, or damage. */
export type Pkcs12Fault = 'password' | 'unsupported' | 'damaged';

/**
 * Opens a file. OpenSSL checks its password and its encryption; it is parsed here because a context that Node makes of
 * the whole file would trust every authority in it.
 * @returns its contents, or the reason why it cannot be opened
 */
export function openPkcs12(file: Buffer, password: string): Pkcs12 | Pkcs12Fault {
  const fault = judge(file, password);
  if (fault) return fault;
  try {
    const bags = readSafes(file, password);
    const certificates = bags.flatMap(({ kind, value }) => (kind === oids.certBag ? readCertificate(value) : []));
    const keys = bags.flatMap(({ kind, value }) => readKey(kind, value, password));
    return { certificates, key: keys[0] };
  } catch {
    return 'damaged';
  }
}

function judge(pfx: Buffer, passphrase: string): Pkcs12Fault | undefined {
  try {
    createSecureContext({ pfx, passphrase });
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (message.includes('mac verify failure')) return 'password';
    return code === 'ERR_CRYPTO_UNSUPPORTED_OPERATION' || /unsupported/i.test(message) ? 'unsupported' : 'damaged';
  }
}

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
} as const;

interface Bag {
  readonly kind: string;
  readonly value: asn1js.BaseBlock;
}

function readSafes(file: Buffer, password: string): Bag[] {
  const [, outer] = partsOf(parse(file));
  return partsOf(parse(readContent(outer))).flatMap((info) => {
    const [type, content] = partsOf(info);
    const bytes = oidOf(type) === oids.encryptedData ? decrypt(content, password) : readContent(info);
    return partsOf(parse(bytes)).map((bag) => {
      const [kind, value] = partsOf(bag);
      return { kind: oidOf(kind), value: first(value) };
    });
  });
}

/** Reads the bytes of a ContentInfo that is not encrypted. */
function readContent(info: asn1js.BaseBlock | undefined): Buffer {
  const [type, content] = partsOf(info);
  if (oidOf(type) !== oids.data) throw new Error('neither data nor encrypted');
  return bytesOf(first(content));
}

/** Reads a CertBag: a type, and the certificate in an octet string. */
function readCertificate(bag: asn1js.BaseBlock): X509Certificate[] {
  const [, value] = partsOf(bag);
  return [new X509Certificate(bytesOf(first(value)))];
}

function readKey(kind: string, value: asn1js.BaseBlock, passphrase: string): KeyObject[] {
  if (kind !== oids.keyBag && kind !== oids.shroudedKeyBag) return [];
  const key = Buffer.from(value.valueBeforeDecodeView);
  const isEncrypted = kind === oids.shroudedKeyBag;
  return [createPrivateKey({ key, format: 'der', type: 'pkcs8', ...(isEncrypted && { passphrase }) })];
}

/** Decrypts EncryptedData (RFC 5652, section 8): a version, then the content type, the algorithm and the bytes. */
function decrypt(content: asn1js.BaseBlock | undefined, password: string): Buffer {
  const [, encrypted] = partsOf(first(content));
  const [, algorithm, bytes] = partsOf(encrypted);
  const [oid, parameters] = partsOf(algorithm);
  const { cipher, key, iv } =
    oidOf(oid) === oids.pbes2 ? derivePbes2(parameters, password) : derivePbes1(oidOf(oid), parameters, password);
  const decipher = createDecipheriv(cipher, key, iv);
  return Buffer.concat([decipher.update(bytesOf(bytes)), decipher.final()]);
}

interface Derived {
  readonly cipher: string;
  readonly key: Buffer;
  readonly iv: Buffer;
}

const ciphers: Readonly<Record<string, readonly [cipher: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};

/** Hashes of HMAC in PBKDF2, by the last number of their identifiers below 1.2.840.113549.2. */
const hashes: Readonly<Record<string, string>> = { 7: 'sha1', 8: 'sha224', 9: 'sha256', 10: 'sha384', 11: 'sha512' };

/** Derives key and IV for PBES2 (RFC 8018, section 6.2). */
function derivePbes2(parameters: asn1js.BaseBlock | undefined, password: string): Derived {
  const [derivation, encryption] = partsOf(parameters);
  const [salt, count, ...others] = partsOf(partsOf(derivation)[1]);
  const prf = others.find((part) => part instanceof asn1js.Sequence);
  const hash = prf ? hashes[oidOf(partsOf(prf)[0]).split('.').at(-1) ?? ''] : 'sha1';
  const [oid, iv] = partsOf(encryption);
  const [cipher, keyBytes] = ciphers[oidOf(oid)] ?? [];
  if (!cipher || !keyBytes || !hash) throw new Error('an unknown cipher');
  const key = pbkdf2Sync(password, bytesOf(salt), numberOf(count), keyBytes, hash);
  return { cipher, key, iv: bytesOf(iv) };
}

/** Derives key and IV for the older schemes (RFC 7292, appendix C), of which OpenSSL still supports Triple DES. */
function derivePbes1(oid: string, parameters: asn1js.BaseBlock | undefined, password: string): Derived {
  const [salt, count] = partsOf(parameters);
  const keyBytes = { '1.2.840.113549.1.12.1.3': 24, '1.2.840.113549.1.12.1.4': 16 }[oid];
  if (!keyBytes) throw new Error('an unknown cipher');
  const derive = (id: number, size: number) => derivePkcs12(id, password, bytesOf(salt), numberOf(count), size);
  const key = derive(1, keyBytes);
  return {
    cipher: 'des-ede3-cbc',
    key: keyBytes === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]),
    iv: derive(2, 8),
  };
}

/** The block size and the digest size of SHA-1. */
const [blockBytes, digestBytes] = [64, 20];

/** Derives bytes with SHA-1 (RFC 7292, appendix B.2). The password is a BMPString that ends with a NUL. */
function derivePkcs12(id: number, password: string, salt: Buffer, count: number, size: number): Buffer {
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const fill = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes);
  const input = Buffer.concat([fill(salt), fill(secret)]);
  const output: Buffer[] = [];
  for (let made = 0; made < size; made += digestBytes) {
    let digest = Buffer.concat([Buffer.alloc(blockBytes, id), input]);
    for (let round = 0; round < count; round++) digest = createHash('sha1').update(digest).digest();
    output.push(digest);
    addToBlocks(input, Buffer.alloc(blockBytes, digest));
  }
  return Buffer.concat(output).subarray(0, size);
}

/** Adds a number plus one to each block, modulo the size of a block. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += blockBytes) {
    let carry = 1;
    for (let at = blockBytes - 1; at >= 0; at--) {
      const sum = (blocks[start + at] ?? 0) + (addend[at] ?? 0) + carry;
      blocks[start + at] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}

function parse(bytes: Buffer): asn1js.BaseBlock {
  const { result, offset } = asn1js.fromBER(bytes);
  if (offset < 0) throw new Error('not ASN.1');
  return result;
}

function partsOf(block: asn1js.BaseBlock | undefined): asn1js.BaseBlock[] {
  const { value } = (block?.valueBlock ?? {}) as { value?: unknown };
  return Array.isArray(value) ? (value as asn1js.BaseBlock[]) : [];
}

function first(block: asn1js.BaseBlock | undefined): asn1js.BaseBlock {
  const [part] = partsOf(block);
  if (!part) throw new Error('nothing in it');
  return part;
}

/** Reads an octet string, which BER may split into pieces, even if it has an implicit tag. */
function bytesOf(block: asn1js.BaseBlock | undefined): Buffer {
  // A string in one piece may look like ASN.1 too, and the library then parses it: only the flag decides.
  if (block?.idBlock.isConstructed) return Buffer.concat(partsOf(block).map(bytesOf));
  const { valueHexView } = (block?.valueBlock ?? {}) as { valueHexView?: Uint8Array };
  if (!valueHexView) throw new Error('no bytes');
  return Buffer.from(valueHexView);
}

function oidOf(block: asn1js.BaseBlock | undefined): string {
  return block instanceof asn1js.ObjectIdentifier ? block.getValue() : '';
}

function numberOf(block: asn1js.BaseBlock | undefined): number {
  return block instanceof asn1js.Integer ? block.valueBlock.valueDec : 0;
}
