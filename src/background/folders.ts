import { constants, type Stats } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { usageError } from '../core/errors.ts';
import { maxUnixPathBytes } from '../core/unix-path.ts';
import { quote } from '../syntax/text.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Opens a file for reading without following a link. */
export const readOnly: number = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Opens a log for writing at its end, without following a link. */
export const appendOnly: number = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** The longest name of a control socket, with its slash, in bytes. */
const socketNameBytes = 24;

/** Returns the folder for entries and logs: that of XDG for the state of programs. */
export function findStateFolder(env: Environment): string {
  const given = env['XDG_STATE_HOME'];
  // The specification of XDG says that a relative path is to be ignored.
  const folder = given && isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.local', 'state');
  return join(folder, 'tunl');
}

/**
 * Makes a folder that only its owner can enter, unless it is there.
 * @throws {TunlError} usage, if it cannot be made, is a link, or others may enter it
 */
export async function makePrivateFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw usageError(`cannot make the folder ${quote(path)}: ${message}`);
  }
  await hasPrivateFolder(path);
  return path;
}

/**
 * Returns true if a folder is there and only its owner, the user of this process, can enter it; false if it is missing.
 * @throws {TunlError} usage, if it is a link, belongs to somebody else, or others may enter it
 */
export async function hasPrivateFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return false;
  if (!found.isDirectory()) throw usageError(`${quote(path)} is not a folder`, 'links are not followed here');
  if (!isOwn(found))
    throw usageError(`the folder ${quote(path)} belongs to another user`, 'set XDG_STATE_HOME to a folder of your own');
  if (process.geteuid && (found.mode & 0o077) !== 0)
    throw usageError(`others may enter the folder ${quote(path)}`, `chmod 700 ${path}`);
  return true;
}

/**
 * Makes the folder for control sockets: below `$XDG_RUNTIME_DIR`; where there is none, below the folder of the state;
 * where that path is too long for a socket, below `/tmp`.
 * @throws {TunlError} usage, if it is not private
 */
export async function makeSocketFolder(env: Environment): Promise<string> {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime && isAbsolute(runtime) && fits(join(runtime, 'tunl')) && (await isOwnFolder(runtime))) {
    return makePrivateFolder(join(runtime, 'tunl'));
  }
  const beside = join(findStateFolder(env), 'run');
  return makePrivateFolder(fits(beside) ? beside : `/tmp/tunl-${process.geteuid?.() ?? 'user'}`);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(folder) + socketNameBytes <= maxUnixPathBytes;
}

async function isOwnFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && found.isDirectory() && isOwn(found);
}

function isOwn({ uid }: Stats): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}
