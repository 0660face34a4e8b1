import type { Path } from '../chain/read/document.ts';
import { type HopReader, readDraftHop } from '../chain/read/hop.ts';
import { fillVariables } from '../chain/read/secrets.ts';
import { usageError } from '../core/errors.ts';
import { encodePercent } from '../core/octets.ts';
import { type DraftHop, splitAlternatives } from '../syntax/hop.ts';
import { passwordCommandName } from '../syntax/password-file.ts';
import { isBareSocket } from '../syntax/hop-url.ts';
import type { ProxyConfig } from './schema.ts';

/** The parts of the file that reading a proxy needs. */
export interface ProxyReader extends HopReader {
  /** The keys that are settings of the URL. */
  readonly settings: readonly string[];
  readonly at: AtPlace;
}

/** Runs a reader, and gives its error the position of a part of the file, unless it has a closer one already. */
export type AtPlace = <T>(path: Path, read: () => T) => T;

/**
 * Reads a proxy with its settings: the alternatives at one place of the way.
 * @throws {TunlError} usage; that of a setting has the position of its key
 */
export function readProxy(path: Path, words: ProxyConfig, reader: ProxyReader): DraftHop[] {
  const given = reader.settings.filter((name) => words[name] !== undefined && words[name] !== false);
  const read = (names: readonly string[]) =>
    splitAlternatives(words.url, 'url').map((url) => readOne(url, { ...pick(words, names), url }, names, reader));
  try {
    return reader.at(path, () => read(given));
  } catch (error) {
    const { password: _password, ...open } = words;
    reader.at([...path, 'url'], () => readProxyUrl(open, reader));
    // One by one, to find the key that the error is about. A key needs its certificate.
    for (const name of given) reader.at([...path, name], () => read(name === 'key' ? ['cert', 'key'] : [name]));
    throw error;
  }
}

function readProxyUrl({ url, user }: ProxyConfig, reader: ProxyReader): void {
  const words = { url, ...(user !== undefined && { user }) };
  for (const each of splitAlternatives(url, 'url')) readOne(each, words, [], reader);
}

function pick(words: ProxyConfig, names: readonly string[]): ProxyConfig {
  const { 'key-password': keyPassword, ...others } = words;
  // Its certificate may be a setting that is not tried now.
  return names.includes('cert') && keyPassword !== undefined ? { ...others, 'key-password': keyPassword } : others;
}

function readOne(url: string, words: ProxyConfig, names: readonly string[], reader: ProxyReader): DraftHop {
  const { user, password, headers, 'key-password': keyPassword } = words;
  return readDraftHop(
    {
      url: addSettings(user === undefined ? url : addUser(url, fillVariables(user, reader)), words, names, reader),
      password,
      headers,
      'key-password': keyPassword,
    },
    reader,
  );
}

function addUser(url: string, user: string): string {
  const [, scheme = '', rest = ''] = /^([^:/?#@]*:\/\/)?(.*)$/s.exec(url) ?? [];
  if (isBareSocket(url)) return `http://${encodePercent(user)}@${url}`;
  if (/^[^/?#]*@/.test(rest)) throw usageError('the proxy has two users', 'leave user out, or that of the URL');
  return `${scheme}${encodePercent(user)}@${rest}`;
}

function addSettings(url: string, words: ProxyConfig, names: readonly string[], reader: ProxyReader): string {
  const pairs = names.map((name) => {
    const value = words[name] as string | number | true;
    if (value === true) return name;
    // The shell fills in the variables of a command.
    const text = name === passwordCommandName ? String(value) : fillVariables(String(value), reader);
    return `${name}=${encodeURIComponent(text)}`;
  });
  if (pairs.length === 0) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

/** Reads a proxy that is written as a URL alone. @throws {TunlError} usage */
export function readProxyText(url: string, reader: ProxyReader): DraftHop {
  return readDraftHop({ url }, reader);
}
