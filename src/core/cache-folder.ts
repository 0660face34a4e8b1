import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Returns the folder for files that can be made again: that of XDG, or of the operating system. */
export function findCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const given = env['XDG_CACHE_HOME'];
  // The specification of XDG says that a relative path is to be ignored.
  const folder = given && isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.cache');
  return join(folder, 'tunl');
}

/** Keeps files in JSON that only their owner can read. What cannot be read or written counts as absent. */
export class CacheFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads a file of at most `maxBytes` bytes. One that others may write counts as absent, because they could choose by it
   * how we reach our targets.
   */
  async read(name: string, maxBytes: number): Promise<unknown> {
    try {
      const path = join(this.#path, name);
      const { size, uid, mode } = await stat(path);
      const isOurs = process.geteuid === undefined || (uid === process.geteuid() && (mode & 0o022) === 0);
      return isOurs && size <= maxBytes ? (JSON.parse(await readFile(path, 'utf8')) as unknown) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes a file, or replaces it as a whole. */
  async write(name: string, value: unknown): Promise<void> {
    const path = join(this.#path, name);
    const temporary = `${path}.${randomUUID()}`;
    try {
      // With sudo the home may be another user's, who could not use a folder of root's.
      if (!(await isOurPlace(this.#path))) return;
      await mkdir(this.#path, { recursive: true, mode: 0o700 });
      await writeFile(temporary, JSON.stringify(value), { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }
}

/** True if the nearest folder that exists belongs to the user of this process. */
async function isOurPlace(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found) return process.geteuid === undefined || found.uid === process.geteuid();
  return dirname(folder) !== folder && isOurPlace(dirname(folder));
}
