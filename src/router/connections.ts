import { type Address, formatAddress } from '../core/address.ts';
import { within } from '../core/deadline.ts';
import type { DialledPath, Origin } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { ReachedLink } from '../core/carrier.ts';
import type { ReachedUpstream } from '../core/exchange.ts';
import type { Link, Resumption } from '../core/link.ts';
import { Pool, type Pooled, type Use } from '../core/pool.ts';
import { Http1Client } from '../http/h1/client.ts';
import { upstreamPeer } from '../http/h1/upstream.ts';
import { upstreamSetup } from '../http/h2/setup.ts';
import type { Connection, ForwarderOptions } from './forwarder.ts';

/** Where a connection leads, and on which way. */
type Place = { -readonly [Key in keyof ReachedUpstream]: ReachedUpstream[Key] };

/** A request for a connection. */
export interface WantedUpstream {
  readonly target: Address;
  readonly origin: Origin;
  readonly signal: AbortSignal;
}

/** Keeps the connections to one upstream. */
export class UpstreamConnections {
  readonly #options: ForwarderOptions;
  readonly #pool: Pool<Connection>;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#pool = options.pool ?? new Pool(options.version === 'http2', options.maxKept);
  }

  /**
   * Finds a connection with room, or opens one, and uses it in the same tick. `fresh` always opens one.
   * @throws {TunlError} of the dial, or what `use` throws
   */
  use<T>(wanted: WantedUpstream, from: 'any' | 'fresh', use: Use<Connection, T>): Promise<T> {
    const { sessions, asksProxies } = this.#options;
    if (sessions === 'per-request') return this.#useOnce(wanted, use);
    const { target, signal } = wanted;
    const open = (waiting: AbortSignal) => this.#open({ ...wanted, signal: waiting });
    const place = formatAddress(target);
    // An upstream may know the client by its connection, so no two users of a proxy share one.
    const key = asksProxies ? JSON.stringify([place, wanted.origin.user]) : place;
    return this.#pool.use({ key, signal, from, open }, use);
  }

  /** Closes idle connections at once, and the others once they have finished, or after a moment. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  async #useOnce<T>(wanted: WantedUpstream, use: Use<Connection, T>): Promise<T> {
    const connection = await this.#open(wanted);
    try {
      return await use(connection, false);
    } finally {
      void connection.close('drain');
    }
  }

  async #open({ target, origin, signal }: WantedUpstream): Promise<Connection> {
    const { dial, version, asksProxies } = this.#options;
    const place: Place = { address: formatAddress(target), resumptions: [] };
    const onDialled = ({ target: reached, via }: DialledPath) => {
      place.address = formatAddress(reached);
      place.via = via;
    };
    const onResumable = (part: Resumption) => void (place.resumptions = [...place.resumptions, part]);
    const form = asksProxies ? { form: 'requests' as const } : {};
    const redial = async (given: AbortSignal): Promise<ReachedLink> => {
      place.resumptions = [];
      const dialled = await dial(target, { signal: given, target, origin, onDialled, onResumable, ...form });
      place.number = dialled.peer.connection;
      return dialled;
    };
    const link = await redial(signal);
    const name = nameUpstream(this.#options, target);
    try {
      this.#assertAlpn(link, name);
      if (version === 'http2') return await this.#openHttp2(link, name, place, signal);
      const { requestHop } = link;
      const client = requestHop
        ? (await import('../http/requests/through-proxy.ts')).askProxy(link, requestHop, target, redial)
        : new Http1Client(link, upstreamPeer(name));
      return toConnection(client, place, (call, given) => client.call(call, given));
    } catch (error) {
      link.reset(error as Error);
      throw error;
    }
  }

  async #openHttp2(link: Link, name: string, place: Place, signal: AbortSignal): Promise<Connection> {
    const [{ openSession }, { callHttp2 }] = await Promise.all([
      import('../http/h2/sessions/client.ts'),
      import('../http/h2/call.ts'),
    ]);
    const limit = {
      ms: this.#options.handshakeMs,
      phase: 'handshake',
      option: 'handshake',
      code: 'connection_timeout',
    } as const;
    const client = await within(limit, signal, `${name} did not begin HTTP/2`, (limited) =>
      openSession(link, upstreamSetup, limited),
    );
    const asked = { name, side: 'target', phase: 'relay' } as const;
    return toConnection(client, place, (call, given) => callHttp2(client, call, asked, given));
  }

  #assertAlpn({ peer: { tls } }: Link, name: string): void {
    const { version } = this.#options;
    const isRight = !tls || (version === 'http2' ? tls.alpn === 'h2' : tls.alpn !== 'h2');
    if (isRight) return;
    const message = `${name} chose ${tls.alpn ?? 'no protocol'} by ALPN`;
    throw new TunlError('http_protocol_error', message, { side: 'target', phase: 'handshake' });
  }
}

/** Names an upstream in messages. */
export function nameUpstream({ name }: ForwarderOptions, target: Address): string {
  return name === undefined ? formatAddress(target) : `upstream ${name}`;
}

function toConnection(client: Pooled, place: Place, call: Connection['call']): Connection {
  return {
    address: place.address,
    via: place.via,
    get number() {
      return place.number;
    },
    get resumptions() {
      return place.resumptions;
    },
    call,
    get capacity() {
      return client.capacity;
    },
    get load() {
      return client.load;
    },
    get usable() {
      return client.usable;
    },
    close: (mode) => client.close(mode),
  };
}
