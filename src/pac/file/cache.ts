import { createHash } from 'node:crypto';
import { CacheFolder } from '../../core/cache-folder.ts';
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

/** Keeps copies of PAC files, readable by their owner only. What cannot be read or written counts as absent. */
export class PacCache {
  readonly #folder: CacheFolder;

  constructor(folder: string) {
    this.#folder = new CacheFolder(folder);
  }

  /** Returns the copy of a file, however old it is. */
  async read(url: string): Promise<PacCopy | undefined> {
    return toCopy((await this.#folder.read(nameOf(url), maxBytes)) ?? {}, url);
  }

  write(url: string, { bytes, ...facts }: PacCopy): Promise<void> {
    const written: Written = { url, ...facts, body: bytes.toString('base64') };
    return this.#folder.write(nameOf(url), written);
  }
}

function nameOf(url: string): string {
  return `pac-${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`;
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
