import type { Address } from './address.ts';
import type { Link } from './link.ts';

/** An open listener, which yields Links until it is closed. */
export interface Listener {
  /** The actual address: port 0 is replaced by the port that the kernel chose. */
  readonly address: Address;
  /** A second address that is not announced: ::1 beside 127.0.0.1 for `localhost`. */
  readonly beside?: Address;
  /** Stops accepting; Links that it has yielded live on. Resolves once the address is free. */
  close(): Promise<void>;
}

/** All addresses at which connections reach a listener. */
export function placesOf({ address, beside }: Listener): readonly Address[] {
  return beside ? [address, beside] : [address];
}

/** A callback for each accepted Link. The Link starts paused: nothing is read before its owner reads. */
export type OnLink = (link: Link) => void;
