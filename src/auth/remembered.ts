import { CacheFolder } from '../core/cache-folder.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { learn, type Learned, recall } from './knowledge.ts';
import { schemes } from './schemes/all.ts';

/** For so long, in milliseconds, the file is believed. */
const validMs = 7 * 24 * 3_600_000;

const fileName = 'proxies.json';

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
  readonly #folder: CacheFolder;

  /** @param folder the folder of the program in that for caches */
  constructor(folder: string) {
    this.#folder = new CacheFolder(folder);
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
    await this.#folder.write(fileName, Object.fromEntries(kept));
  }

  async #read(): Promise<Map<string, Entry>> {
    const read = (await this.#folder.read(fileName, maxBytes)) ?? {};
    return new Map(
      Object.entries(read).flatMap(([url, entry]) => {
        const checked = toEntry(entry);
        return checked ? [[url, checked] as const] : [];
      }),
    );
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
