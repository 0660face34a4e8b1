import { chmodSync, chownSync, closeSync, fsyncSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { usageError } from '../../core/errors.ts';
import { isUserName } from '../../policy/htpasswd.ts';
import { hashPassword, maxBcryptBytes } from '../../policy/password.ts';
import { describeFileError } from '../../syntax/password-file.ts';
import { hasControl, quote } from '../../syntax/text.ts';

/** The permissions of a file that is new: its owner alone may read it. */
const newMode = 0o600;

/** A user of a file for `--auth-file`. */
export interface UserOfFile {
  readonly path: string;
  readonly user: string;
}

/**
 * Checks a user and the file that the user is to be in, so that nobody types a password in vain. Returns true if the
 * file has a line of htpasswd for the user.
 * @throws {TunlError} usage, if the name cannot be sent, the file cannot be read, or has a line of htdigest for the user
 */
export function hasUser({ path, user }: UserOfFile): boolean {
  if (!isUserName(user)) throw usageError(`${quote(user)} is no name of a user: it is empty, or has a colon in it`);
  return readLines(path).some((line) => isLineOf(line, user, path));
}

/**
 * Writes the user's password into the file, hashed by bcrypt: in place of the user's line, or behind all others. The file
 * is replaced as a whole, and keeps its owner and its permissions; a new one is for its owner alone. A link stays.
 * @throws {TunlError} usage, as `hasUser`; if the password is empty, too long, or cannot be sent; if the file cannot be
 * written
 */
export async function setPassword({ path, user }: UserOfFile, password: string): Promise<void> {
  if (password === '') throw usageError('the password is empty');
  if (hasControl(password)) throw usageError('the password holds a control character, which no client can send');
  if (Buffer.byteLength(password) > maxBcryptBytes)
    throw usageError(`the password has more than ${maxBcryptBytes} bytes; bcrypt would leave out the others`);
  const own = `${toBytes(user)}:${await hashPassword(password)}`;
  const lines = readLines(path);
  const place = lines.findIndex((line) => isLineOf(line, user, path));
  const next = place === -1 ? [...lines, own] : lines.with(place, own);
  try {
    replaceFile(path, `${next.join('\n')}\n`);
  } catch (error) {
    throw usageError(`cannot write the user file ${path}: ${describeFileError(error)}`);
  }
}

/** Returns the lines of a file; none if it is missing. */
function readLines(path: string): readonly string[] {
  try {
    const text = readFileSync(path, 'latin1');
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw usageError(`cannot read the user file ${path}: ${describeFileError(error)}`);
  }
}

function isLineOf(line: string, user: string, path: string): boolean {
  if (!line.startsWith(`${toBytes(user)}:`)) return false;
  if (!/^[^:]*:[^:]*:[\da-f]+\r?$/i.test(line)) return true;
  throw usageError(
    `${path} has a line of htdigest for ${quote(user)}`,
    `htdigest ${path} REALM ${user} changes it; with one line for each user, delete it first`,
  );
}

/** Returns the bytes of a text, one character each, so that lines in any encoding stay as they are. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function replaceFile(path: string, text: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  const target = found ? realpathSync(path) : path;
  const draft = `${target}.${process.pid}.tmp`;
  try {
    const file = openSync(draft, 'wx', newMode);
    try {
      writeFileSync(file, text, 'latin1');
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (found) keepOwner(draft, found);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function keepOwner(path: string, { mode, uid, gid }: Stats): void {
  const own = statSync(path);
  if (own.uid !== uid || own.gid !== gid) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
}
