import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { HopChoice } from '../chain/model/graph.ts';
import { triesModes } from '../carriers/index.ts';
import { DatedEntries } from '../core/cache-folder.ts';
import { cacheFiles } from '../core/environment.ts';
import { toBytes } from '../core/ip.ts';
import { formatRoute } from './remembered-ends.ts';

/** For so long, in milliseconds, a mode is believed to work: what a network lets through changes without notice. */
const validMs = 24 * 3_600_000;

/** The mode in which a far end was reached. */
interface WorkingMode {
  readonly mode: string;
}

/** Names the network that this machine is in. */
export type FindNetwork = () => string;

/**
 * Keeps in which mode far ends were reached, for those whose carrier tries several: by the network and by the route to each.
 */
export class RememberedModes {
  readonly #entries: DatedEntries<WorkingMode>;
  readonly #findNetwork: FindNetwork;

  /** @param folder the folder of the program in that for caches */
  constructor(folder: string, findNetwork: FindNetwork = nameNetwork) {
    this.#findNetwork = findNetwork;
    this.#entries = new DatedEntries(folder, {
      fileName: cacheFiles.modes,
      validMs,
      parse: ({ mode }) => (typeof mode === 'string' ? { mode } : undefined),
    });
  }

  /** Returns the same hops, with the mode in which each was reached last in this network. */
  async load(hops: readonly HopChoice[]): Promise<readonly HopChoice[]> {
    if (!hops.flat().some(triesModes)) return hops;
    const entries = await this.#entries.read();
    const network = this.#findNetwork();
    return hops.map((choice, index) =>
      choice.map((hop) => {
        if (!triesModes(hop)) return hop;
        const route = formatRoute(hops, index, hop);
        const known = entries.get(`${network} ${route}`)?.mode;
        const keep = (mode: string) => this.#keep(route, mode);
        return { ...hop, knownMode: { ...(known !== undefined && { name: known }), keep } };
      }),
    );
  }

  /** Resolves once what was kept is in the file. */
  settle(): Promise<void> {
    return this.#entries.settle();
  }

  /** The network is that of now: it may be another than at the start. */
  #keep(route: string, mode: string): void {
    const key = `${this.#findNetwork()} ${route}`;
    void this.#entries.change((entries) => {
      entries.set(key, { mode, at: Date.now() });
      return true;
    });
  }
}

/**
 * Names the network by the prefixes of our addresses in it. It is a digest, so that the file does not list the places where
 * its owner has been.
 */
function nameNetwork(): string {
  const prefixes = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
    .map(({ address, netmask }) => {
      const [bytes, mask] = [toBytes(address.replace(/%.*/, '')), toBytes(netmask)];
      return bytes && mask ? [...bytes].map((byte, index) => byte & (mask[index] ?? 0)).join('.') : address;
    });
  const text = [...new Set(prefixes)].toSorted().join(' ');
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
