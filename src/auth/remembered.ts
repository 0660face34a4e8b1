import { DatedEntries } from '../core/cache-folder.ts';
import { cacheFiles } from '../core/environment.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { learn, type Learned, recall } from './knowledge.ts';
import { schemes } from './schemes/all.ts';

/** For so long, in milliseconds, the file is believed. */
const validMs = 7 * 24 * 3_600_000;

/**
 * Keeps what was learned about proxies in a file that only its owner can read: schemes, realms and versions of HTTP, never a secret.
 * What cannot be read or written counts as unknown.
 */
export class RememberedProxies {
  readonly #entries: DatedEntries<Learned>;

  /** @param folder the folder of the program in that for caches */
  constructor(folder: string) {
    this.#entries = new DatedEntries(folder, { fileName: cacheFiles.proxies, validMs, parse });
  }

  /** Reads what is known about these hops, for this process. Returns those that something is known about. */
  async load(hops: readonly Hop[]): Promise<readonly Hop[]> {
    const entries = await this.#entries.read();
    return hops.filter((hop) => {
      const { at, ...facts } = entries.get(formatHop(hop)) ?? { at: 0 };
      learn(hop, facts);
      return at > 0;
    });
  }

  /** Writes what this process knows about these hops, if the file says something else. */
  save(hops: readonly Hop[]): Promise<void> {
    return this.#entries.change((entries) => {
      const at = Date.now();
      const news = hops.filter((hop) => {
        const { at: _at, ...known } = entries.get(formatHop(hop)) ?? { at: 0 };
        return isOther(known, recall(hop));
      });
      for (const hop of news) entries.set(formatHop(hop), { ...recall(hop), at });
      return news.length > 0;
    });
  }

  /** Resolves once what was saved is in the file. */
  settle(): Promise<void> {
    return this.#entries.settle();
  }
}

function parse({ scheme, realm, closes, version }: { readonly [name in string]?: unknown }): Learned {
  return {
    ...(typeof scheme === 'string' && schemes.some(({ name }) => name === scheme) && { scheme }),
    ...(typeof realm === 'string' && { realm }),
    ...(closes === true && { closes }),
    ...((version === '1.1' || version === '1.0') && { version }),
  };
}

function isOther(one: Learned, other: Learned): boolean {
  const { scheme, realm, closes, version } = one;
  const isSame = scheme === other.scheme && realm === other.realm && closes === other.closes;
  return !isSame || version !== other.version;
}
