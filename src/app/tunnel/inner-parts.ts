import type { Origin } from '../../core/dialer.ts';
import type { Resumption } from '../../core/link.ts';

/** Tells the stage outside of all tunnels and requests of a Link as of one part of its way. */
export function tellAsOne(origin: Origin): Origin {
  const { onResumable } = origin;
  if (!onResumable) return origin;
  let parts: InnerParts | undefined;
  const tell = (part: Resumption) => {
    if (!parts) onResumable((parts = new InnerParts()));
    return parts.add(part);
  };
  return { ...origin, onResumable: tell };
}

/** A part of the way that others use too, and how we learn of its changes. */
interface Used {
  users: number;
  /** What the stage outside was told last. */
  isWaiting: boolean;
  readonly watch: (reason?: Error) => void;
}

/**
 * The parts of the ways behind one Link of a stage that outlive their transports: as many as the Link has tunnels and
 * requests, which come and go. For the stage outside they are one part of its way, which waits as long as one of them
 * does.
 */
class InnerParts implements Resumption {
  resumed = 0;
  readonly watchers: Resumption['watchers'] = new Set();
  readonly #used = new Map<Resumption, Used>();

  get isWaiting(): boolean {
    return [...this.#used.keys()].some((part) => part.isWaiting);
  }

  /** Notes a part that a tunnel or a request uses; returns a function that is called once that is over. */
  readonly add = (part: Resumption): (() => void) => {
    const used = this.#used.get(part) ?? this.#watch(part);
    used.users++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--used.users === 0) this.#forget(part, used);
    };
  };

  #watch(part: Resumption): Used {
    const used: Used = {
      users: 0,
      isWaiting: part.isWaiting,
      watch: (reason) => {
        used.isWaiting = reason !== undefined;
        if (!reason) this.resumed++;
        this.#tell(reason);
      },
    };
    this.#used.set(part, used);
    part.watchers.add(used.watch);
    return used;
  }

  #forget(part: Resumption, { watch, isWaiting }: Used): void {
    part.watchers.delete(watch);
    this.#used.delete(part);
    // A tunnel that ended while it waited is not waited for any more.
    if (isWaiting) this.#tell();
  }

  #tell(reason?: Error): void {
    for (const tell of this.watchers) tell(reason);
  }
}
