import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { decodeOctets } from '../../core/octets.ts';
import { type Credentials, Secret } from '../../core/secret.ts';
import { quote } from '../../syntax/text.ts';
import { describeFileError } from '../../syntax/password-file.ts';

/** An entry of a .netrc file, for one machine or for all of them. */
export interface NetrcEntry {
  /** Absent in a `default` entry. */
  readonly machine?: string;
  /** Absent if the password is for every user of the machine. */
  readonly login?: string;
  readonly password?: Secret;
}

/** The contents of a .netrc file. */
export interface Netrc {
  readonly path: string;
  readonly entries: readonly NetrcEntry[];
  /** The permissions as chmod writes them; present only if users other than the owner can read the file. */
  readonly exposedMode?: string;
}

/**
 * Reads the file that NETRC names, or else `.netrc` in the home folder, which may be missing.
 * @throws {TunlError} usage, if NETRC names a file that cannot be read
 */
export function readNetrc(env: Readonly<Record<string, string | undefined>>): Netrc | undefined {
  const named = env['NETRC'];
  const path = named ? named : join(env['HOME'] || homedir(), '.netrc');
  try {
    const entries = parseNetrc(decodeOctets(readFileSync(path)));
    const mode = statSync(path).mode & 0o777;
    return { path, entries, ...((mode & 0o077) !== 0 && { exposedMode: mode.toString(8) }) };
  } catch (error) {
    if (named) throw usageError(`cannot read ${quote(path)}, which NETRC names: ${describeFileError(error)}`);
    return undefined;
  }
}

/** Finds the password of a user on a machine. The first entry that matches counts, as in curl. */
export function findNetrcPassword({ entries }: Netrc, host: string, user: string): Secret | undefined {
  const fits = ({ machine, login, password }: NetrcEntry) =>
    password !== undefined &&
    (machine === undefined || machine.toLowerCase() === host.toLowerCase()) &&
    (login === undefined || login === user);
  return entries.find(fits)?.password;
}

/**
 * Finds the user and password of a machine by its name, for a proxy that the user did not name. A `default` entry does
 * not count, because any host could ask for it.
 */
export function findNetrcLogin({ entries }: Netrc, host: string): Credentials | undefined {
  for (const { machine, login, password } of entries) {
    if (machine?.toLowerCase() !== host.toLowerCase() || login === undefined || password === undefined) continue;
    return { user: login, password };
  }
  return undefined;
}

/**
 * Parses the text of a .netrc file:
 *
 *     machine proxy.corp login me password "with \" and blanks"   # a comment
 *     macdef name (up to an empty line)
 *     default login me password pa#ss
 *
 * As in curl, unknown words are skipped, and a `#` within a value is a part of it.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: { machine?: string; login?: string; password?: Secret }[] = [];
  const words = new Words(text);
  for (let word = words.nextKeyword(); word !== undefined; word = words.nextKeyword()) {
    const entry = entries.at(-1);
    switch (word.toLowerCase()) {
      case 'machine':
        entries.push({ machine: words.nextValue() ?? '' });
        break;
      case 'default':
        entries.push({});
        break;
      case 'login':
        setValue(words, (login) => entry && (entry.login = login));
        break;
      case 'password':
        setValue(words, (password) => entry && (entry.password = new Secret(password)));
        break;
      case 'account':
        words.nextValue();
        break;
      case 'macdef':
        words.skipMacro();
        break;
    }
  }
  return entries;
}

function setValue(words: Words, set: (value: string) => void): void {
  const value = words.nextValue();
  if (value !== undefined) set(value);
}

/** Reads the words of a .netrc file one by one. */
class Words {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the next keyword, skipping comments. */
  nextKeyword(): string | undefined {
    while (this.#take(/\s*#.*/y) !== undefined);
    return this.nextValue();
  }

  /** Returns the next word, whatever it is; a `#` does not start a comment here. */
  nextValue(): string | undefined {
    this.#take(/\s+/y);
    const quoted = this.#take(/"(?:[^"\\]|\\[^])*"/y);
    return quoted === undefined ? this.#take(/\S+/y) : unquote(quoted);
  }

  /** Skips the name and the lines of a macro, up to an empty line. */
  skipMacro(): void {
    this.#take(/[^]*?\n\r*\n|[^]*/y);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }
}

function unquote(quoted: string): string {
  const meanings: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return quoted.slice(1, -1).replaceAll(/\\([^])/g, (_all, char: string) => meanings[char] ?? char);
}
