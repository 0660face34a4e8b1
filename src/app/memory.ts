import { isAuthSaid, recall } from '../auth/knowledge.ts';
import { RememberedProxies } from '../auth/remembered.ts';
import { schemes } from '../auth/schemes/all.ts';
import type { HopChoice } from '../chain/model/graph.ts';
import type { EventSink } from '../core/events.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { RememberedEnds } from './remembered-ends.ts';
import { RememberedModes } from './remembered-modes.ts';

/** What earlier runs learned about the hops of a route. */
export interface Memory {
  /** The hops, with what is known about them. */
  readonly hops: readonly HopChoice[];
  /** Writes what this process has learned since about hops that ask who we are. */
  save(): void;
  /** Resolves once everything is written. */
  settle(): Promise<void>;
}

/** Reads what is in a folder about these hops, and tells it. */
export async function loadMemory(hops: readonly HopChoice[], folder: string, emit: EventSink): Promise<Memory> {
  const proxies = new RememberedProxies(folder);
  const ends = new RememberedEnds(folder);
  const modes = new RememberedModes(folder);
  const [known, kept] = await Promise.all([proxies.load(hops.flat()), ends.load(hops)]);
  const found = await modes.load(kept);
  const say = (hop: Hop, what: string) =>
    emit({ event: 'notice', level: 'verbose', message: `${formatHop(hop)}: ${what}, says the cache (--no-cache)` });
  for (const hop of known) {
    const { scheme, version } = recall(hop);
    const title = schemes.find(({ name }) => name === scheme)?.title;
    if (title !== undefined) say(hop, `it accepts ${title}`);
    if (version !== undefined) say(hop, `it opens tunnels in HTTP/${version} only`);
  }
  for (const hop of found.flat()) {
    if (hop.keptHalves) say(hop, 'it keeps the two halves of a tunnel apart');
    if (hop.knownMode?.name !== undefined) say(hop, `${hop.knownMode.name} worked last in this network`);
  }
  const asking = hops.flat().filter((hop) => isAuthSaid(hop));
  return {
    hops: found,
    save: () => void proxies.save(asking),
    settle: async () => {
      await Promise.all([proxies.settle(), ends.settle(), modes.settle()]);
    },
  };
}

/**
 * Writes what a check has found about hops: what this process knows about each, and what became of the halves of a
 * tunnel, if that was measured.
 */
export async function saveFindings(
  hops: readonly HopChoice[],
  folder: string,
  halfClose: 'kept' | 'swallowed' | undefined,
): Promise<void> {
  await new RememberedProxies(folder).save(hops.flat());
  if (halfClose) await new RememberedEnds(folder).save(hops, halfClose === 'kept');
}
