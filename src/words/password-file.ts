import { readFileSync } from 'node:fs';
import { usageError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { hasControl, quote } from './text.ts';

/**
 * Reads a password: the first line of a file.
 * @throws {TunlError} usage, when it cannot be read or holds none
 */
export function readPasswordFile(path: string): Secret {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const hint = 'the first line of that file is the password; whoever runs tunl must be able to read it';
    throw usageError(`cannot read the password file ${quote(path)}: ${describeFileError(error)}`, hint);
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

/** Why a file could not be read, in words. */
export function describeFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = { ENOENT: 'no such file', EACCES: 'not permitted', EISDIR: 'it is a folder' };
  return reasons[code ?? ''] ?? message;
}
