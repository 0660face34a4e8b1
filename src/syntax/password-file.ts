import { readFileSync } from 'node:fs';
import { usageError } from '../core/errors.ts';
import { decodeOctets } from '../core/octets.ts';
import { Secret } from '../core/secret.ts';
import { hasControl, quote } from './text.ts';

/**
 * Reads a password from the first line of a file.
 * @throws {TunlError} usage, if the file cannot be read or has no password
 */
export function readPasswordFile(path: string): Secret {
  const [line = ''] = readSecretFile(path, 'cannot read the password file', 'its first line is the password');
  return checkPassword(line, `the password file ${quote(path)}`);
}

/**
 * Reads the lines of a file with a secret.
 * @param failure begins the message if the file cannot be read
 * @param content says in a hint what the file must contain
 * @throws {TunlError} usage
 */
export function readSecretFile(path: string, failure: string, content: string): string[] {
  try {
    return decodeOctets(readFileSync(path)).split(/\r?\n/);
  } catch (error) {
    const hint = `${content}; the user that runs tunl must be able to read it`;
    throw usageError(`${failure} ${quote(path)}: ${describeFileError(error)}`, hint);
  }
}

/** Name of the command that prints a password, as a flag, in the query of a hop and in the configuration. */
export const passwordCommandName = 'password-command';

/** The settings of a URL in their written order. */
type Query = readonly (readonly [name: string, value: string | undefined])[];

/**
 * Takes the command that prints the password of a hop out of its settings.
 * @throws {TunlError} usage, if it has no value, comes twice, or has no user to be for
 */
export function takePasswordCommand(
  written: Query,
  {
    user,
    password,
    label,
  }: { readonly user?: string | undefined; readonly password?: string | undefined; readonly label: string },
): { readonly passwordCommand?: string; readonly query: Query } {
  const name = passwordCommandName;
  const query = written.filter(([setting]) => setting !== name);
  const [command, second] = written.filter(([setting]) => setting === name).map(([, value = '']) => value);
  if (command === undefined) return { query };
  if (second !== undefined) throw usageError(`${label}: the setting ${name} is given twice`, 'leave one of them out');
  if (command === '') throw usageError(`${label}: the setting ${name} needs a value`);
  if (user === undefined) throw usageError(`${label} has a ${name} and no user`);
  if (password !== undefined) throw usageError(`${label} has two passwords`, 'leave one of them out');
  return { passwordCommand: command, query };
}

/**
 * Checks a password, which may be empty with `mayBeEmpty` only.
 * @throws {TunlError} usage, if it is empty or no header can carry it
 */
export function checkPassword(password: string, source: string, { mayBeEmpty = false } = {}): Secret {
  if (password === '' && !mayBeEmpty) throw usageError(`${source} is empty`);
  if (hasControl(password)) throw usageError(`${source} holds a control character`);
  // Node's replacement for a byte of an environment variable that is not UTF-8.
  if (password.includes('\ufffd')) {
    throw usageError(`${source} holds bytes that are not UTF-8`, 'a password file may hold any bytes');
  }
  return new Secret(password);
}

/** Explains in words why a file could not be read. */
export function describeFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = { ENOENT: 'no such file', EACCES: 'not permitted', EISDIR: 'it is a folder' };
  return reasons[code ?? ''] ?? message;
}
