import type { HopChoice } from '../chain/model/graph.ts';
import { DatedEntries } from '../core/cache-folder.ts';
import { cacheFiles } from '../core/environment.ts';
import { formatHop, type Hop } from '../core/hop.ts';

/** For so long, in milliseconds, a finding is believed: the ways of a network change without notice. */
const validMs = 24 * 3_600_000;

/**
 * Keeps which proxies were found to keep the two halves of tunnels apart, by the route to each: the same proxy may be
 * reached through one that does not.
 */
export class RememberedEnds {
  readonly #entries: DatedEntries<object>;

  /** @param folder the folder of the program in that for caches */
  constructor(folder: string) {
    this.#entries = new DatedEntries(folder, { fileName: cacheFiles.ends, validMs, parse: () => ({}) });
  }

  /** Returns the same hops, with what was found about them. */
  async load(hops: readonly HopChoice[]): Promise<readonly HopChoice[]> {
    const entries = await this.#entries.read();
    if (entries.size === 0) return hops;
    return hops.map((choice, index) =>
      choice.map((hop) => {
        const key = formatRoute(hops, index, hop);
        const forget = () => void this.#entries.change((found) => found.delete(key));
        return entries.has(key) ? { ...hop, keptHalves: { forget } } : hop;
      }),
    );
  }

  /** Writes whether all hops of a route keep the halves apart, as was just found. */
  save(hops: readonly HopChoice[], isKept: boolean): Promise<void> {
    return this.#entries.change((entries) => {
      const at = Date.now();
      for (const [index, choice] of hops.entries()) {
        // Which alternative was taken is not known.
        const [hop] = choice;
        if (!hop || choice.length > 1 || hop.chooser) continue;
        if (isKept) entries.set(formatRoute(hops, index, hop), { at });
        else entries.delete(formatRoute(hops, index, hop));
      }
      return true;
    });
  }

  /** Resolves once what was forgotten is no longer in the file. */
  settle(): Promise<void> {
    return this.#entries.settle();
  }
}

/** Names the way to a hop: the places before it, and the hop. */
export function formatRoute(hops: readonly HopChoice[], index: number, hop: Hop): string {
  return [...hops.slice(0, index).map((choice) => choice.map(formatHop).join('|')), formatHop(hop)].join(' ');
}
