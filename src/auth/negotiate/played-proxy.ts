import { randomBytes } from 'node:crypto';
import type { TcpAddress } from '../../core/address.ts';
import { type Link, resetError } from '../../core/link.ts';
import type { Listener, OnLink } from '../../core/listener.ts';

/** Listens on an address of this machine. */
export type Listen = (address: TcpAddress, onLink: OnLink) => Promise<Listener>;

/** The largest head of a request, in bytes: the tickets of users in hundreds of groups are long. */
const maxHeadBytes = 256 * 1024;

/** Connections that may be open before they have asked for anything: ours, and those of strangers. */
const maxUndecided = 16;

/**
 * A proxy on loopback for one program, which has to ask for a tunnel to a name that nobody else knows. Only the first
 * connection that asks for it is answered; all others are reset.
 */
export class PlayedProxy {
  /** The name that the program has to ask for, with port 80. It exists nowhere (RFC 6761, section 6.4). */
  readonly target: string = `${randomBytes(16).toString('hex')}.invalid`;
  readonly #undecided = new Set<Link>();
  readonly #requests: (string | undefined)[] = [];
  #listener: Listener | undefined;
  #link: Link | undefined;
  #onRequest: (() => void) | undefined;
  #isClosed = false;

  /**
   * Opens it on a free port of 127.0.0.1.
   * @returns the port
   * @throws {TunlError} address_in_use
   */
  async open(listen: Listen): Promise<number> {
    const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => this.#accept(link));
    this.#listener = listener;
    if (this.#isClosed) await listener.close();
    return listener.address.kind === 'tcp' ? listener.address.port : 0;
  }

  /** Waits for the next request of the program, without end. Returns its `Proxy-Authorization`, if it has one. */
  async request(): Promise<string | undefined> {
    if (this.#requests.length === 0) await new Promise<void>((resolve) => (this.#onRequest = resolve));
    return this.#requests.shift();
  }

  /** Answers the program's request with a 407 that holds this challenge. */
  challenge(value: string): void {
    this.#link?.stream.write(
      `HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: ${value}\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  /** Resets all connections, and frees the port. Idempotent. */
  close(): void {
    this.#isClosed = true;
    void this.#listener?.close();
    for (const link of this.#undecided) drop(link);
    if (this.#link) drop(this.#link);
  }

  #accept(link: Link): void {
    if (this.#isClosed || this.#link) return drop(link);
    const [oldest] = this.#undecided;
    if (oldest && this.#undecided.size >= maxUndecided) drop(oldest);
    this.#undecided.add(link);
    link.stream.once('close', () => this.#undecided.delete(link));
    readHeads(link, (head) => this.#take(link, head));
  }

  #take(link: Link, head: string): void {
    const isOurs = head.startsWith(`CONNECT ${this.target}:80 HTTP/1.`);
    if (!isOurs || (this.#link && this.#link !== link)) return drop(link);
    this.#undecided.delete(link);
    this.#link = link;
    this.#requests.push(/^proxy-authorization:[\t ]*(.*?)[\t ]*\r?$/im.exec(head)?.[1]);
    this.#onRequest?.();
    this.#onRequest = undefined;
  }
}

function drop(link: Link): void {
  link.reset(resetError('it did not ask for what it should'));
}

/** Calls back for each head on a Link, and resets it if one is too large. A CONNECT has no body. */
function readHeads(link: Link, onHead: (head: string) => void): void {
  let received = '';
  link.stream.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
      onHead(received.slice(0, end));
      received = received.slice(end + 4);
    }
    if (received.length > maxHeadBytes) drop(link);
  });
}
