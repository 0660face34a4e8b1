import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { PacBytes } from './fetch.ts';

/** The largest file of the cache that is read, in bytes: a PAC file of the largest size, in base64. */
const maxBytes = 2 * 1024 * 1024;

/** A copy of a PAC file with the time at which it was known to be right, in milliseconds since 1970. */
export interface PacCopy extends PacBytes {
  readonly checked: number;
}

/** A file of the cache, in JSON. */
interface Written {
  readonly url: string;
  readonly checked: number;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly contentType?: string;
  readonly body: string;
}

/** Returns the folder for files that can be made again: that of XDG, or of the operating system. */
export function findCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const given = env['XDG_CACHE_HOME'];
  // The specification of XDG says that a relative path is to be ignored.
  const folder = given && isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.cache');
  return join(folder, 'tunl');
}

/** Keeps copies of PAC files, readable by their owner only. What cannot be read or written counts as absent. */
export class PacCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the copy of a file, however old it is. */
  async read(url: string): Promise<PacCopy | undefined> {
    try {
      const path = this.#pathOf(url);
      const { size, uid, mode } = await stat(path);
      // A file that others may write would let them choose our proxies.
      const isOurs = process.geteuid === undefined || (uid === process.geteuid() && (mode & 0o022) === 0);
      if (!isOurs || size > maxBytes) return undefined;
      return toCopy(JSON.parse(await readFile(path, 'utf8')), url);
    } catch {
      return undefined;
    }
  }

  async write(url: string, { bytes, ...facts }: PacCopy): Promise<void> {
    const path = this.#pathOf(url);
    const temporary = `${path}.${randomUUID()}`;
    const written: Written = { url, ...facts, body: bytes.toString('base64') };
    try {
      // With sudo the home may be another user's, who could not use a folder of root's.
      if (!(await isOurPlace(this.#folder))) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, JSON.stringify(written), { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  #pathOf(url: string): string {
    const digest = createHash('sha256').update(url).digest('hex');
    return join(this.#folder, `pac-${digest.slice(0, 32)}.json`);
  }
}

/** True if the nearest folder that exists belongs to the user of this process. */
async function isOurPlace(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found) return process.geteuid === undefined || found.uid === process.geteuid();
  return dirname(folder) !== folder && isOurPlace(dirname(folder));
}

function toCopy(read: unknown, url: string): PacCopy | undefined {
  const { url: ofUrl, checked, body, etag, lastModified, contentType } = read as { [name in keyof Written]?: unknown };
  if (ofUrl !== url || typeof checked !== 'number' || typeof body !== 'string') return undefined;
  // A clock that was set back must not keep a copy for ever.
  if (checked > Date.now()) return undefined;
  return {
    bytes: Buffer.from(body, 'base64'),
    checked,
    ...(typeof etag === 'string' && { etag }),
    ...(typeof lastModified === 'string' && { lastModified }),
    ...(typeof contentType === 'string' && { contentType }),
  };
}
