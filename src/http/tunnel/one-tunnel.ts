import type { Address } from '../../core/address.ts';
import type { Session } from '../../core/carrier.ts';
import type { DialContext } from '../../core/dialer.ts';
import type { Link } from '../../core/link.ts';

/** A session that opens one tunnel, to which its connection belongs from then on. */
export abstract class OneTunnelSession<L extends Link = Link> implements Session {
  readonly capacity = 1;
  protected readonly link: L;
  #used = false;

  constructor(link: L) {
    this.link = link;
  }

  get load(): number {
    return this.#used ? 1 : 0;
  }

  get usable(): boolean {
    return !this.#used && !this.link.stream.destroyed;
  }

  abstract tunnel(address: Address, ctx: DialContext): Promise<Link>;

  close(): Promise<void> {
    if (!this.#used) this.link.stream.destroy();
    return Promise.resolve();
  }

  /** From here on the Link is the tunnel's; before, a failure leaves it to `close`. */
  protected use(): void {
    this.#used = true;
  }
}
