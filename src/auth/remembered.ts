import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatHop, type Hop } from '../core/hop.ts';
import { learn, type Learned, recall } from './knowledge.ts';
import { schemes } from './schemes/all.ts';

/** For so long, in milliseconds, the file is believed. */
const validMs = 7 * 24 * 3_600_000;

/** The largest file that is read, in bytes, and the most proxies that are kept. */
const maxBytes = 256 * 1024;
const maxProxies = 200;

/** What the file says about a proxy, and when it was learned, in milliseconds since 1970. */
interface Entry extends Learned {
  readonly at: number;
}

/**
 * Keeps what was learned about proxies in a file that only its owner can read: schemes and realms, never a secret.
 * What cannot be read or written counts as unknown.
 */
export class RememberedProxies {
  readonly #path: string;

  /** @param folder the folder of the program in that for caches */
  constructor(folder: string) {
    this.#path = join(folder, 'proxies.json');
  }

  /** Reads what is known about these hops, for this process. */
  async load(hops: readonly Hop[]): Promise<void> {
    const entries = await this.#read();
    for (const hop of hops) {
      const { at: _at, ...facts } = entries.get(formatHop(hop)) ?? { at: 0 };
      learn(hop, facts);
    }
  }

  /** Writes what this process knows about these hops, if the file says something else. */
  async save(hops: readonly Hop[]): Promise<void> {
    const entries = await this.#read();
    const at = Date.now();
    const news = hops.filter((hop) => {
      const { at: _at, ...known } = entries.get(formatHop(hop)) ?? { at: 0 };
      return isOther(known, recall(hop));
    });
    if (news.length === 0) return;
    for (const hop of news) entries.set(formatHop(hop), { ...recall(hop), at });
    const kept = [...entries].toSorted(([, first], [, second]) => second.at - first.at).slice(0, maxProxies);
    await this.#write(JSON.stringify(Object.fromEntries(kept)));
  }

  async #read(): Promise<Map<string, Entry>> {
    try {
      const { size, uid, mode } = await stat(this.#path);
      // A file that others may write would let them choose how we prove who we are.
      const isOurs = process.geteuid === undefined || (uid === process.geteuid() && (mode & 0o022) === 0);
      if (!isOurs || size > maxBytes) return new Map();
      const read: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return new Map(
        Object.entries(read ?? {}).flatMap(([url, entry]) => {
          const checked = toEntry(entry);
          return checked ? [[url, checked] as const] : [];
        }),
      );
    } catch {
      return new Map();
    }
  }

  async #write(text: string): Promise<void> {
    const temporary = `${this.#path}.${randomUUID()}`;
    try {
      const folder = dirname(this.#path);
      // With sudo the home may be another user's, who could not use a folder of root's.
      if (!(await isOurPlace(folder))) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
      await rename(temporary, this.#path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }
}

/** Takes of an entry what can be meant; undefined if it is too old, or of a clock that was set back. */
function toEntry(read: unknown): Entry | undefined {
  const { at, scheme, realm, closes } = (read ?? {}) as { readonly [name in keyof Entry]?: unknown };
  if (typeof at !== 'number' || at > Date.now() || at < Date.now() - validMs) return undefined;
  return {
    at,
    ...(typeof scheme === 'string' && schemes.some(({ name }) => name === scheme) && { scheme }),
    ...(typeof realm === 'string' && { realm }),
    ...(closes === true && { closes }),
  };
}

function isOther(one: Learned, other: Learned): boolean {
  return one.scheme !== other.scheme || one.realm !== other.realm || one.closes !== other.closes;
}

/** True if the nearest folder that exists belongs to the user of this process. */
async function isOurPlace(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found) return process.geteuid === undefined || found.uid === process.geteuid();
  return dirname(folder) !== folder && isOurPlace(dirname(folder));
}
