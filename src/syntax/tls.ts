import { usageError } from '../core/errors.ts';
import type { TlsSettings } from '../core/hop.ts';
import { parseHost } from './authority.ts';
import { toAsciiName } from './host.ts';
import { asUsage, quote } from './text.ts';

/** The TLS settings: their names, as flags and in the query of a hop, with their keys. */
export const tlsKeys = {
  cacert: 'cacert',
  cert: 'cert',
  key: 'key',
  'key-password-file': 'keyPasswordFile',
  servername: 'servername',
  pin: 'pin',
  insecure: 'insecure',
  alpn: 'alpn',
  'no-system-ca': 'noSystemCa',
} as const satisfies Record<string, keyof TlsSettings>;

type TlsName = keyof typeof tlsKeys;

/** Names of the TLS settings, as flags and in the query of a hop. */
export const tlsNames = Object.keys(tlsKeys) as readonly TlsName[];

/** Names of the settings that need no value. */
export const tlsSwitches: ReadonlySet<string> = new Set(['insecure', 'no-system-ca'] satisfies TlsName[]);

/** TLS settings as words, from flags or from the query of a hop; `true` for a switch. */
export type TlsConfig = { readonly [name in TlsName]?: string | true };

/**
 * Checks the words of TLS settings. Files are read later.
 * @throws {TunlError} usage, with `where` in front
 */
export function parseTls(words: TlsConfig, where: string): TlsSettings {
  const text = (name: TlsName) => (typeof words[name] === 'string' ? words[name] : undefined);
  const [cacert, cert, key] = [text('cacert'), text('cert'), text('key') ?? text('cert')];
  if (cert === undefined && key !== undefined)
    throw usageError(`${where}: key without cert`, 'name the certificate of that key too');
  const keyPasswordFile = text('key-password-file');
  if (cert === undefined && keyPasswordFile !== undefined)
    throw usageError(`${where}: key-password-file without cert`, 'name the certificate of that key too');
  const servername = text('servername');
  const pin = text('pin');
  const alpn = text('alpn');
  return {
    ...(cacert !== undefined && { cacert }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(keyPasswordFile !== undefined && { keyPasswordFile }),
    ...(servername !== undefined && {
      servername: asUsage(
        `${where}: servername`,
        () => parseHost(toAsciiName(servername)),
        'write the name alone: proxy.example',
      ),
    }),
    ...(pin !== undefined && { pin: parsePin(pin, where) }),
    ...(alpn !== undefined && { alpn: parseAlpn(alpn, where) }),
    ...readSwitches(words, where),
  };
}

function readSwitches(words: TlsConfig, where: string): Pick<TlsSettings, 'insecure' | 'noSystemCa'> {
  const given = (['insecure', 'no-system-ca'] as const).flatMap((name) => {
    const word = words[name];
    return word === undefined ? [] : [[tlsKeys[name], parseSwitch(word, `${where}: ${name}`)] as const];
  });
  return Object.fromEntries(given);
}

/** Characters of a SHA-256 in base64 without padding. */
const digestLength = 43;

/**
 * Reads a pin, or several separated by `;`, each as `sha256/BASE64URL` or in curl's form `sha256//BASE64`.
 * @returns pins in the first form, so that they can be compared as text
 * @throws {TunlError} usage, with `where` in front
 */
export function parsePin(text: string, where: string): string {
  return text
    .split(';')
    .map((pin) => {
      const [, encoded = ''] = /^sha256\/([A-Za-z0-9+/_-]+)={0,2}$/.exec(pin.trim()) ?? [];
      // Base64 may itself begin with a slash; only the length tells that from curl's second slash.
      const digest = encoded.length === digestLength + 1 && encoded.startsWith('/') ? encoded.slice(1) : encoded;
      if (digest.length === digestLength) return `sha256/${digest.replaceAll('+', '-').replaceAll('/', '_')}`;
      throw usageError(
        `${where}: ${quote(pin)} is not a pin`,
        "a pin is sha256/ and 43 characters of base64url, or curl's sha256// and base64; several have ; between",
        'a failed connection names the pin that it saw',
      );
    })
    .join(';');
}

function parseAlpn(text: string, where: string): string {
  if (text === 'h2' || text === 'http/1.1') return text;
  throw usageError(`${where}: alpn is ${quote(text)}`, 'write h2 or http/1.1');
}

function parseSwitch(word: string | true, where: string): boolean {
  if (word === true || word === '1' || word === 'true') return true;
  if (word === '0' || word === 'false') return false;
  throw usageError(`${where} is ${quote(word)}`, 'write it without a value, or with true or false');
}
