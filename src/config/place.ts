import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { TunlError, usageError } from '../core/errors.ts';
import { describeFileError } from '../syntax/password-file.ts';
import { quoteForShell } from '../syntax/text.ts';
import { isOwnGroup } from './group.ts';

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that names the file; if it is empty, none is read. */
export const configVariable = 'TUNL_CONFIG';

/** The place of the configuration. */
export interface ConfigPlace {
  readonly path: string;
  /** True if the user named it, so that it must be there. */
  readonly isGiven: boolean;
}

/** The text of the configuration. */
export interface ConfigText {
  readonly path: string;
  readonly text: string;
}

/** Finds the place of the configuration; undefined if the environment names none, or says that there is none. */
export function findConfigPlace(env: Environment): ConfigPlace | undefined {
  const given = env[configVariable];
  if (given !== undefined) return given === '' ? undefined : { path: resolve(given), isGiven: true };
  const xdg = env['XDG_CONFIG_HOME'];
  const home = env['HOME'] || env['USERPROFILE'];
  // The specification of XDG says that a relative path is to be ignored.
  const folder = xdg && isAbsolute(xdg) ? xdg : home && join(home, '.config');
  return folder ? { path: join(folder, 'tunl', 'config.yaml'), isGiven: false } : undefined;
}

/**
 * Reads the configuration. A file in the usual place may be missing.
 * @throws {TunlError} usage, if it cannot be read, or if others than its owner may change it
 */
export function readConfigText({ path, isGiven }: ConfigPlace): ConfigText | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isGiven && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw cannotRead(path, error);
  }
  try {
    const stats = fstatSync(file);
    if (stats.isFile()) refuseExposed(path, stats);
    return { path, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw error instanceof TunlError ? error : cannotRead(path, error);
  } finally {
    closeSync(file);
  }
}

function cannotRead(path: string, error: unknown) {
  return usageError(
    `cannot read the configuration ${path}: ${describeFileError(error)}`,
    `--no-config, or an empty ${configVariable}, reads none`,
  );
}

/** What it says decides where secrets go and which commands run. */
function refuseExposed(path: string, { uid, gid, mode }: Stats): void {
  // There are no owners on Windows.
  const me = process.getuid?.();
  if (me === undefined) return;
  const file = /^[\w./-]+$/.test(path) ? path : quoteForShell(path);
  if (uid !== me && uid !== 0) {
    throw usageError(
      `the configuration ${path} belongs to another user`,
      `if it is right: chown ${me === 0 ? 'root' : userInfo().username} ${file}`,
    );
  }
  if ((mode & 0o002) !== 0) {
    throw usageError(`others may write the configuration ${path}`, `chmod go-w ${file}`);
  }
  if ((mode & 0o020) !== 0 && !isOwnGroup(gid)) {
    throw usageError(`other members of its group may write the configuration ${path}`, `chmod g-w ${file}`);
  }
}
