import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import type { Reply } from '../call.ts';
import type { ChallengeBody } from './refusal-body.ts';
import type { HopConnection } from './negotiate.ts';

/** Functions that use the connections to a hop over HTTP/1.1. */
export interface Http1Connections {
  /** Sends the request on a Link. */
  readonly ask: (link: Link, fields: readonly HeaderField[]) => Promise<Reply>;
  /** Makes another connection to the hop. */
  readonly connect: () => Promise<Link>;
  /** Reads the body of a 407; undefined if it ends with the connection, or if nobody can tell. */
  readonly read: (link: Link, reply: Reply) => Promise<ChallengeBody | undefined>;
}

/** A connection to a hop over HTTP/1.1, which is replaced when the hop closes it. */
export class Http1Connection implements HopConnection {
  readonly #connections: Http1Connections;
  link: Link;
  body: string | undefined;
  isKept = true;
  /** A request was answered on it. */
  #hasServed = false;

  constructor(link: Link, connections: Http1Connections) {
    this.link = link;
    this.#connections = connections;
  }

  async ready(): Promise<Uint8Array | undefined> {
    if (!this.isKept) {
      this.abandon();
      this.link = await this.#connections.connect();
      this.isKept = true;
      this.#hasServed = false;
    }
    return this.link.peer.tls?.certificate;
  }

  send(fields: readonly HeaderField[]): Promise<Reply> {
    return this.#connections.ask(this.link, fields);
  }

  async take(reply: Reply): Promise<void> {
    this.#hasServed = true;
    this.isKept = false;
    this.body = undefined;
    const read = await this.#connections.read(this.link, reply);
    this.body = read?.text;
    this.isKept = read?.isWhole === true && !this.link.stream.destroyed && !this.link.stream.readableEnded;
  }

  isStale(error: unknown): boolean {
    const isStale = this.#hasServed && error instanceof TunlError && error.facts.unanswered === true;
    if (isStale) this.isKept = false;
    return isStale;
  }

  abandon(): void {
    this.link.stream.destroy();
  }
}
