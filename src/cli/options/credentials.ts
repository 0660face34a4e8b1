import { readFileSync } from 'node:fs';
import { usageError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { hasControl, quote } from '../text.ts';

/** Where passwords that no URL holds come from. */
export interface PasswordSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: string | undefined;
}

const variable = 'TUNL_PROXY_PASSWORD';

/**
 * The passwords of the hops that name a user and no password, in travel order. One such hop takes
 * `TUNL_PROXY_PASSWORD`, else the password file; of several each takes `TUNL_PROXY_PASSWORD_1`,
 * `TUNL_PROXY_PASSWORD_2`, …, so that none gets the password of another.
 * @throws {TunlError} usage, when one has no source
 */
export function findPasswords(labels: readonly string[], { env, file }: PasswordSources): Secret[] {
  return labels.map((label, index) => {
    const name = labels.length === 1 ? variable : `${variable}_${index + 1}`;
    const given = env[name];
    if (given !== undefined) return checkPassword(given, name);
    if (labels.length === 1 && file !== undefined) return readPasswordFile(file);
    const also = labels.length === 1 ? [`or give a file with --password-file, or write user:password@ in the URL`] : [];
    throw usageError(`-x ${quote(label)} has a user and no password`, `set ${name}`, ...also);
  });
}

/**
 * Reads a password: the first line of a file.
 * @throws {TunlError} usage, when it cannot be read or holds none
 */
export function readPasswordFile(path: string): Secret {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`cannot read the password file ${quote(path)}: ${reasonOf(error)}`);
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  return checkPassword(line, `the password file ${quote(path)}`);
}

/** @throws {TunlError} usage, when it is empty or no header can carry it */
export function checkPassword(password: string, source: string): Secret {
  if (password === '') throw usageError(`${source} is empty`);
  if (hasControl(password)) throw usageError(`${source} holds a control character`);
  return new Secret(password);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = { ENOENT: 'no such file', EACCES: 'not permitted', EISDIR: 'it is a folder' };
  return reasons[code ?? ''] ?? message;
}
