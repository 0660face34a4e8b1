import { tlsNames, tlsSwitches, type TlsWords } from '../../words/tls.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionSpec } from '../option.ts';

/** The flags that set TLS for every hop that does not set its own. */
export const tlsOptions: Record<(typeof tlsNames)[number], OptionSpec> = {
  cacert: {
    name: 'cacert',
    value: 'FILE',
    summary: 'trust the authorities in this PEM file instead of those of Node and the system',
    completes: 'file',
  },
  cert: {
    name: 'cert',
    value: 'FILE',
    summary: 'our certificate, a PEM file, or PKCS #12 with its key',
    completes: 'file',
  },
  key: { name: 'key', value: 'FILE', summary: 'its key, a PEM file; default: the file of --cert', completes: 'file' },
  'key-password-file': {
    name: 'key-password-file',
    value: 'FILE',
    summary: 'the first line is the password of the key; or set TUNL_KEY_PASSWORD',
    completes: 'file',
  },
  servername: { name: 'servername', value: 'NAME', summary: "send and verify this name instead of the proxy's host" },
  pin: {
    name: 'pin',
    value: 'PIN',
    summary: "accept this key only: sha256/BASE64URL of the certificate's SPKI, or curl's sha256//BASE64",
  },
  insecure: { name: 'insecure', summary: 'accept any certificate' },
  'no-system-ca': { name: 'no-system-ca', summary: "trust the authorities of Node alone, without the system's" },
  alpn: {
    name: 'alpn',
    value: 'PROTOCOL',
    summary: 'offer a proxy this protocol only: h2 or http/1.1',
    completes: ['h2', 'http/1.1'],
  },
};

/** The TLS flags of a command line. @throws {TunlError} usage */
export function readTlsWords(args: Arguments): TlsWords {
  const given = tlsNames.map((name) => [name, tlsSwitches.has(name) ? args.has(name) || undefined : args.text(name)]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as TlsWords;
}
