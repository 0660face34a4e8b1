import type { Address } from './address.ts';
import type { Link } from './link.ts';

/** Something that yields Links until it is closed. */
export interface Listener {
  /** Where it really listens: a requested port 0 is replaced by the one the kernel chose. */
  readonly address: Address;
  /** Stops accepting. Links already yielded live on. Resolves once the address is free. */
  close(): Promise<void>;
}

/** Called once for each accepted Link, which starts paused: nothing is read before the owner does. */
export type OnLink = (link: Link) => void;
