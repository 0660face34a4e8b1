import type { Graph } from '../../chain/model/graph.ts';
import { makePicture } from '../../chain/draw/picture.ts';
import type { Tunnel } from '../tunnel/tunnels.ts';

/** An amount of bytes from clients to targets, and back. */
export interface Amount {
  readonly sent: number;
  readonly received: number;
}

/** An arrow in the drawing of a graph, by the titles of its ends. */
interface Arrow {
  readonly to: string;
  readonly isStage: boolean;
}

/**
 * Counts the bytes that went along each arrow in the drawing of a graph. There are as many counters as arrows, whatever
 * clients ask for.
 */
export class Flows {
  #arrows: ReadonlyMap<string, readonly Arrow[]> = new Map();
  #ended = new Map<string, Amount>();

  /** Counts for the arrows of this graph from now on; arrows that it shares with the one before keep their counts. */
  expect(graph: Graph): void {
    const { edges } = makePicture(graph, { fused: new Set() });
    this.#arrows = new Map(
      [...new Set(edges.map(({ from }) => from.title))].map((title) => {
        const outs = edges.filter(({ from }) => from.title === title);
        return [title, outs.map(({ to }) => ({ to: to.title, isStage: to.kind === 'stage' }))] as const;
      }),
    );
    const keys = new Set(edges.map(({ from, to }) => keyOf(from.title, to.title)));
    this.#ended = new Map([...this.#ended].filter(([key]) => keys.has(key)));
  }

  /** Keeps the bytes of a tunnel that is over. */
  leave(tunnel: Tunnel): void {
    this.#add(this.#ended, tunnel);
  }

  /** Sums up the bytes of the tunnels that are over and of the open ones, by the ends of the arrows. */
  read(open: Iterable<Tunnel>): ReadonlyMap<string, Amount> {
    const sums = new Map(this.#ended);
    for (const tunnel of open) this.#add(sums, tunnel);
    return sums;
  }

  #add(sums: Map<string, Amount>, tunnel: Tunnel): void {
    const { sent = 0, received = 0 } = tunnel.handle ?? {};
    if (sent + received === 0) return;
    for (const key of this.#findArrows(tunnel)) {
      const before = sums.get(key);
      sums.set(key, { sent: (before?.sent ?? 0) + sent, received: (before?.received ?? 0) + received });
    }
  }

  /** Finds the arrows that the bytes of a tunnel take: from each stage of its own to the next, and to its end. */
  #findArrows({ stages, depth, target, upstream }: Tunnel): string[] {
    const found = stages.flatMap((stage, index) => {
      const before = stages[index - 1];
      // The arrow from the stage outside is counted here, because only this tunnel knows both of its ends.
      return before !== undefined && index >= depth && this.#has(before, stage) ? [keyOf(before, stage)] : [];
    });
    const last = stages.at(-1);
    const outs = last === undefined ? [] : (this.#arrows.get(last) ?? []);
    const ends = outs.filter(({ isStage }) => !isStage);
    const place = upstream ?? target;
    // What leads to a stage of this process is counted by the tunnel of that stage; a lone end is what clients ask for.
    const end = ends.find(({ to }) => to === place) ?? (outs.length === 1 ? ends[0] : undefined);
    return last === undefined || !end ? found : [...found, keyOf(last, end.to)];
  }

  #has(from: string, to: string): boolean {
    return this.#arrows.get(from)?.some((arrow) => arrow.to === to) === true;
  }
}

/** Makes the key of the arrow between two titles. */
export function keyOf(from: string, to: string): string {
  return `${from}\n${to}`;
}
