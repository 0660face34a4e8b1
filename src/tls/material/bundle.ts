import { findPassword, type PasswordSource, wrongPassword } from './key-password.ts';
import { openPkcs12, type Pkcs12 } from './pkcs12.ts';
import { formatSource, type OwnCertificate, type PemSource, sourceError } from '../certificate/source.ts';

/**
 * Reads our certificate and its key from the bytes of a PKCS #12 file. A password is only looked for if the empty one
 * does not open the file.
 * @throws {TunlError} usage
 */
export async function readBundle(
  bytes: Buffer,
  cert: PemSource,
  key: PemSource,
  password: PasswordSource,
): Promise<OwnCertificate> {
  if (key.path !== cert.path) {
    throw sourceError(cert, `${formatSource(cert)} is PKCS #12, which contains its key`, 'leave key out');
  }
  const { certificates, key: own } = await open(bytes, cert, password);
  if (!own) throw sourceError(cert, `${formatSource(cert)} holds no private key`);
  // The leaf may stand anywhere in the file.
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(own));
  if (!leaf) throw sourceError(cert, `${formatSource(cert)} holds no certificate of its key`);
  const chain = [leaf, ...certificates.filter((certificate) => certificate !== leaf)];
  return { cert: chain.join(''), key: own.export({ type: 'pkcs8', format: 'pem' }).toString(), leaf };
}

async function open(bytes: Buffer, source: PemSource, place: PasswordSource): Promise<Pkcs12> {
  const isOpen = openPkcs12(bytes, '');
  if (isOpen !== 'password') return expectOpen(isOpen, source);
  const { password, from } = await findPassword(source, place);
  const opened = openPkcs12(bytes, password.reveal());
  if (opened === 'password') throw wrongPassword(source, from);
  return expectOpen(opened, source);
}

function expectOpen(opened: ReturnType<typeof openPkcs12>, source: PemSource): Pkcs12 {
  if (opened === 'unsupported') {
    throw sourceError(
      source,
      `${formatSource(source)} is encrypted with RC2, which OpenSSL 3 no longer supports`,
      'encrypt it again; the file in between has no password:',
      'openssl pkcs12 -legacy -in OLD.p12 -out all.pem -nodes',
      'openssl pkcs12 -export -in all.pem -out NEW.p12 && rm all.pem',
    );
  }
  if (typeof opened === 'string') throw sourceError(source, `${formatSource(source)} is damaged`);
  return opened;
}
