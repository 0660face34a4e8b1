import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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

/** How entries of a file are read, and for how long they are believed. */
export interface EntryTerms<T> {
  readonly fileName: string;
  /** The age in milliseconds above which an entry counts as absent. */
  readonly validMs: number;
  /** Takes of an entry what can be meant; undefined if that is nothing. */
  readonly parse: (read: { readonly [name in string]?: unknown }) => T | undefined;
}

/** What was learned, and when, in milliseconds since 1970. */
export type Dated<T> = T & { readonly at: number };

/** The largest file of entries that is read, in bytes, and the most entries that are kept. */
const maxBytes = 256 * 1024;
const maxEntries = 200;

/** Keeps facts by a key in one file of a folder. The oldest give way to new ones. */
export class DatedEntries<T extends object> {
  readonly #folder: CacheFolder;
  readonly #terms: EntryTerms<T>;
  #changing: Promise<void> = Promise.resolve();

  constructor(folder: string, terms: EntryTerms<T>) {
    this.#folder = new CacheFolder(folder);
    this.#terms = terms;
  }

  async read(): Promise<Map<string, Dated<T>>> {
    const { fileName, validMs, parse } = this.#terms;
    const read = (await this.#folder.read(fileName, maxBytes)) ?? {};
    const now = Date.now();
    return new Map(
      Object.entries(read).flatMap(([key, entry]: [string, unknown]) => {
        const { at, ...facts } = (entry ?? {}) as { readonly [name in string]?: unknown };
        // One of the future is of a clock that was set back.
        const isValid = typeof at === 'number' && at <= now && at >= now - validMs;
        const parsed = isValid ? parse(facts) : undefined;
        return parsed && isValid ? [[key, { ...parsed, at }] as const] : [];
      }),
    );
  }

  /**
   * Changes the entries of the file, and resolves once that is done. Changes are made one after the other, as each reads
   * the whole file. It is left as it is if `change` returns false.
   */
  change(change: (entries: Map<string, Dated<T>>) => boolean): Promise<void> {
    this.#changing = this.#changing.then(async () => {
      const entries = await this.read();
      if (change(entries)) await this.#write(entries);
    });
    return this.#changing;
  }

  /** Resolves once all changes so far are in the file. */
  settle(): Promise<void> {
    return this.#changing;
  }

  async #write(entries: ReadonlyMap<string, Dated<T>>): Promise<void> {
    const kept = [...entries].toSorted(([, first], [, second]) => second.at - first.at).slice(0, maxEntries);
    await this.#folder.write(this.#terms.fileName, Object.fromEntries(kept));
  }
}
