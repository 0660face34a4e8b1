import type { Address } from './address.ts';
import type { Link } from './link.ts';

/** Something that yields Links until it is closed. */
export interface Listener {
  /** Where it really listens: a requested port 0 is replaced by the one the kernel chose. */
  readonly address: Address;
  /** A second place where it listens and which nobody is told: ::1 beside 127.0.0.1 for `localhost`. */
  readonly beside?: Address;
  /** Stops accepting. Links already yielded live on. Resolves once the address is free. */
  close(): Promise<void>;
}

/** All places where connections reach a listener. */
export function placesOf({ address, beside }: Listener): readonly Address[] {
  return beside ? [address, beside] : [address];
}

/** Called once for each accepted Link, which starts paused: nothing is read before the owner does. */
export type OnLink = (link: Link) => void;
