import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceName } from './name.ts';
import { readOnly } from './folders.ts';

/** The file by which an instance is found. It says where to ask, and nothing about whether the instance is alive. */
export interface Entry {
  readonly version: 1;
  readonly name: string;
  /** Differs in each run, so that nobody removes the entry of a later one. */
  readonly id: string;
  /** Path of the control socket. */
  readonly socket: string;
}

/** The largest entry that is read, in bytes. */
const maxBytes = 4096;

const ending = '.json';

/** Makes the id of a run. */
export function makeInstanceId(): string {
  return randomBytes(6).toString('hex');
}

/** The entries in one folder. Each is written as a whole, and two of one name cannot be added. */
export class Entries {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Lists the names for which there are entries, in order. */
  async names(): Promise<string[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files
      .filter((file) => file.endsWith(ending))
      .map((file) => file.slice(0, -ending.length))
      .filter(isInstanceName)
      .toSorted();
  }

  /** Reads an entry; undefined if there is none that can be read. */
  read(name: string): Promise<Entry | undefined> {
    return readEntry(this.#path(name), name);
  }

  /** Adds an entry; returns false if its name has one. @throws the error of the file system */
  async add(entry: Entry): Promise<boolean> {
    const draft = this.#draft();
    await writeFile(draft, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
    try {
      await link(draft, this.#path(entry.name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Removes the entry of a run; `undefined` means one that cannot be read. That of another run stays. */
  async remove(name: string, id: string | undefined): Promise<void> {
    if ((await this.read(name))?.id !== id) return;
    const aside = this.#draft();
    try {
      await rename(this.#path(name), aside);
    } catch {
      return;
    }
    // Another run may have replaced it since it was read.
    if ((await readEntry(aside, name))?.id !== id) await link(aside, this.#path(name)).catch(() => {});
    await rm(aside, { force: true });
  }

  #path(name: string): string {
    return join(this.#folder, `${name}${ending}`);
  }

  #draft(): string {
    return join(this.#folder, `.${makeInstanceId()}`);
  }
}

async function readEntry(path: string, name: string): Promise<Entry | undefined> {
  try {
    const file = await open(path, readOnly);
    try {
      if ((await file.stat()).size > maxBytes) return undefined;
      const read = JSON.parse(await file.readFile('utf8')) as Partial<Entry> | null;
      const { id, socket } = read ?? {};
      if (typeof id !== 'string' || typeof socket !== 'string') return undefined;
      return { version: 1, name, id, socket };
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
