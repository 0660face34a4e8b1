import { usageError } from '../core/errors.ts';
import type { TlsSettings } from '../core/hop.ts';
import { parseHost } from '../http/authority.ts';
import { asUsage, quote } from './text.ts';

/** What each TLS setting is called, as a flag and in the query of a hop, and which one it is. */
export const tlsKeys = {
  cacert: 'cacert',
  cert: 'cert',
  key: 'key',
  servername: 'servername',
  pin: 'pin',
  insecure: 'insecure',
  'no-system-ca': 'noSystemCa',
} as const satisfies Record<string, keyof TlsSettings>;

type TlsName = keyof typeof tlsKeys;

/** Names of the TLS settings, as flags and in the query of a hop. */
export const tlsNames = Object.keys(tlsKeys) as readonly TlsName[];

/** Those that need no value. */
export const tlsSwitches: ReadonlySet<string> = new Set(['insecure', 'no-system-ca'] satisfies TlsName[]);

/** TLS settings as words, from flags or from the query of a hop; `true` for a switch. */
export type TlsWords = { readonly [name in TlsName]?: string | true };

/**
 * Checks TLS settings as far as words tell; files are read later.
 * @throws {TunlError} usage, with `where` in front
 */
export function parseTls(words: TlsWords, where: string): TlsSettings {
  const text = (name: TlsName) => (typeof words[name] === 'string' ? words[name] : undefined);
  const [cacert, cert, key] = [text('cacert'), text('cert'), text('key') ?? text('cert')];
  if (cert === undefined && key !== undefined)
    throw usageError(`${where}: key without cert`, 'name the certificate of that key too');
  const servername = text('servername');
  const pin = text('pin');
  return {
    ...(cacert !== undefined && { cacert }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(servername !== undefined && {
      servername: asUsage(`${where}: servername`, () => parseHost(servername), 'write the name alone: proxy.example'),
    }),
    ...(pin !== undefined && { pin: parsePin(pin, where) }),
    ...readSwitches(words, where),
  };
}

function readSwitches(words: TlsWords, where: string): Pick<TlsSettings, 'insecure' | 'noSystemCa'> {
  const given = (['insecure', 'no-system-ca'] as const).flatMap((name) => {
    const word = words[name];
    return word === undefined ? [] : [[tlsKeys[name], parseSwitch(word, `${where}: ${name}`)] as const];
  });
  return Object.fromEntries(given);
}

function parsePin(text: string, where: string): string {
  // 32 bytes are 43 characters, and one of padding where somebody writes it.
  if (!/^sha256\/[\w-]{43}=?$/.test(text)) {
    throw usageError(
      `${where}: ${quote(text)} is not a pin`,
      'a pin is sha256/ and 43 characters of base64url: A-Z a-z 0-9 - _',
    );
  }
  return text.replace(/=$/, '');
}

function parseSwitch(word: string | true, where: string): boolean {
  if (word === true || word === '1' || word === 'true') return true;
  if (word === '0' || word === 'false') return false;
  throw usageError(`${where} is ${quote(word)}`, 'write it without a value, or with true or false');
}
