import { setTimeout as delay } from 'node:timers/promises';
import { type Address, formatAddress } from '../core/address.ts';
import { within } from '../core/deadline.ts';
import type { Origin } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { Opening } from '../core/opening.ts';
import type { Call, Reply } from '../http/call.ts';
import { Http1Client } from '../http/h1-client.ts';
import { upstreamSetup } from '../http/h2-setup.ts';
import type { ForwarderOptions } from './forwarder.ts';

/** A connection without requests is closed after between one and two of these. */
const idleMs = 60_000;

/** How long requests that run may take to end, once the program is done. */
const closingMs = 2000;

/** A connection to an upstream that carries one request, or many at a time. */
export interface Connection {
  readonly capacity: number;
  readonly load: number;
  readonly usable: boolean;
  call(call: Call, signal: AbortSignal): Promise<Reply>;
  close(mode: 'drain' | 'now'): Promise<void>;
}

/** A connection as it is handed out for one request. */
export interface Place {
  readonly connection: Connection;
  /** It was used before, so the upstream may have closed it meanwhile. */
  readonly isKept: boolean;
  /** Where it leads to. */
  readonly address: string;
}

/** Who wants a connection. */
export interface Wanted {
  readonly target: Address;
  readonly origin: Origin;
  readonly signal: AbortSignal;
}

/** The connections to one upstream. */
export class Connections {
  readonly #options: ForwarderOptions;
  readonly #kept = new Map<Connection, { readonly key: string; readonly address: string }>();
  readonly #idle = new WeakSet<Connection>();
  readonly #openings = new Map<string, Opening<Place>>();
  #isClosed = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /**
   * Finds a connection with room, or makes one, and uses it in the same tick, so that two requests never count on the
   * same room. `fresh` makes one in any case.
   * @throws {TunlError} of the dial, or what `use` throws
   */
  async use<T>(wanted: Wanted, from: 'any' | 'fresh', use: (place: Place) => Promise<T>): Promise<T> {
    const { version, sessions } = this.#options;
    if (sessions === 'per-request') return this.#useOnce(wanted, use);
    const key = formatAddress(wanted.target);
    for (;;) {
      const found = from === 'any' ? this.#findRoom(key) : undefined;
      if (found) return use(found);
      if (version === 'http1' || from === 'fresh') return use(this.#keep(key, await this.#open(wanted)));
      const opened = await this.#joinOpening(key, wanted);
      // Waiters run in turn: who comes too late for the room in this session looks again.
      if (hasRoom(opened.connection)) return use(opened);
    }
  }

  /** Closes the connections that carry nothing at once, and lets the others have a moment to finish. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    const all = [...this.#kept.keys()];
    this.#kept.clear();
    await Promise.race([
      Promise.all(all.map((connection) => connection.close('drain'))),
      delay(closingMs, undefined, { ref: false }),
    ]);
    await Promise.all(all.map((connection) => connection.close('now')));
  }

  async #useOnce<T>(wanted: Wanted, use: (place: Place) => Promise<T>): Promise<T> {
    const place = await this.#open(wanted);
    try {
      return await use(place);
    } finally {
      void place.connection.close('drain');
    }
  }

  #joinOpening(key: string, wanted: Wanted): Promise<Place> {
    const known = this.#openings.get(key);
    if (known && !known.isGivenUp) return known.join(wanted.signal);
    const opening: Opening<Place> = new Opening(async (signal) => {
      try {
        return this.#keep(key, await this.#open({ ...wanted, signal }));
      } finally {
        if (this.#openings.get(key) === opening) this.#openings.delete(key);
      }
    });
    this.#openings.set(key, opening);
    return opening.join(wanted.signal);
  }

  #keep(key: string, place: Place): Place {
    if (this.#isClosed) setImmediate(() => void place.connection.close('drain'));
    else {
      this.#kept.set(place.connection, { key, address: place.address });
      this.#sweep ??= setInterval(() => this.#closeIdle(), idleMs).unref();
    }
    return place;
  }

  #findRoom(key: string): Place | undefined {
    for (const [connection, { key: of, address }] of this.#kept) {
      if (!connection.usable) this.#kept.delete(connection);
      else if (of === key && hasRoom(connection)) return { connection, isKept: true, address };
    }
    return undefined;
  }

  #closeIdle(): void {
    for (const connection of this.#kept.keys()) {
      if (connection.load > 0) this.#idle.delete(connection);
      else if (!this.#idle.has(connection)) this.#idle.add(connection);
      else {
        this.#kept.delete(connection);
        void connection.close('drain');
      }
    }
  }

  async #open({ target, origin, signal }: Wanted): Promise<Place> {
    const { dial, version } = this.#options;
    let address = formatAddress(target);
    const onWay = ({ target: reached }: { readonly target: Address }) => {
      address = formatAddress(reached);
    };
    const link = await dial(target, { signal, target, origin, onWay });
    try {
      this.#assertAlpn(link);
      const connection = version === 'http1' ? new Http1Client(link, this.#who) : await this.#openHttp2(link, signal);
      return { connection, isKept: false, address };
    } catch (error) {
      link.reset(error as Error);
      throw error;
    }
  }

  async #openHttp2(link: Link, signal: AbortSignal): Promise<Connection> {
    const [{ Http2Client }, { callHttp2 }] = await Promise.all([
      import('../http/h2-client.ts'),
      import('../http/h2-call.ts'),
    ]);
    const limit = {
      ms: this.#options.handshakeMs,
      phase: 'handshake',
      option: 'handshake',
      code: 'connection_timeout',
    } as const;
    const client = await within(limit, signal, `${this.#who} did not begin HTTP/2`, (limited) =>
      Http2Client.open(link, upstreamSetup, limited),
    );
    return {
      get capacity() {
        return client.capacity;
      },
      get load() {
        return client.load;
      },
      get usable() {
        return client.usable;
      },
      call: (call, ctx) => callHttp2(client, call, this.#who, ctx),
      close: (mode) => client.close(mode),
    };
  }

  #assertAlpn({ peer: { tls } }: Link): void {
    const { version } = this.#options;
    const isRight = !tls || (version === 'http2' ? tls.alpn === 'h2' : tls.alpn !== 'h2');
    if (isRight) return;
    const message = `${this.#who} chose ${tls.alpn ?? 'no protocol'} by ALPN`;
    throw new TunlError('http_protocol_error', message, { side: 'target', phase: 'handshake' });
  }

  get #who(): string {
    return `upstream ${this.#options.name}`;
  }
}

function hasRoom({ usable, load, capacity }: Connection): boolean {
  return usable && load < capacity;
}
