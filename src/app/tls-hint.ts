import type { Stage } from '../core/dialer.ts';

/** Ports whose services speak TLS from the first byte. */
const tlsPorts: ReadonlySet<number> = new Set([443, 465, 636, 853, 990, 993, 995, 5061, 5671, 6443, 8443, 8883]);

/** What TLS records begin with (RFC 8446, section 5.1): an alert, a handshake, and the version after either. */
const [alertRecord, handshakeRecord, majorVersion] = [0x15, 0x16, 0x03];

/** The first bytes of a tunnel, each way: they tell whether TLS was expected and not spoken. */
export class FirstBytes {
  #sent: number | undefined;
  #received: Buffer | undefined;

  /** Looks at what is sent. Something else must be reading it already. */
  watchSent(source: NodeJS.ReadableStream): void {
    source.once('data', ([first]: Buffer) => {
      this.#sent = first;
    });
  }

  /** The Stage that looks at what comes back. */
  readonly watchReceived: Stage = (next) => async (address, ctx) => {
    const link = await next(address, ctx);
    // A listener alone would start the flow before the relay is there.
    link.stream.pause().once('data', (chunk: Buffer) => {
      this.#received = chunk.subarray(0, 2);
    });
    return link;
  };

  /** What to do, where it was TLS that was missing; `port` is the target's. */
  hintsFor(port: number): string[] {
    if (this.#sent === undefined || this.#sent === handshakeRecord) return [];
    const [first, second] = this.#received ?? [];
    if (first === alertRecord && second === majorVersion) return ['the target answered in TLS: --tls-target speaks it'];
    if (this.#received !== undefined || !tlsPorts.has(port)) return [];
    return [`port ${port} is mostly for TLS, and some proxies pass nothing else to it: --tls-target`];
  }

  /** True once something was sent. */
  get isAnySent(): boolean {
    return this.#sent !== undefined;
  }

  /** True when the target refused what was sent in the words of TLS. */
  get isAlert(): boolean {
    return this.#received?.[0] === alertRecord && this.hintsFor(0).length > 0;
  }
}
