import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import { BodyStream } from '../body/stream.ts';
import type { Reply } from '../call.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import { type ChallengeBody, readChallengeBody } from './challenge-body.ts';
import type { HopConnection } from './negotiate.ts';

/** Functions that use the connections to a hop over HTTP/1.1. */
export interface Http1Connections {
  /** Sends the request on a Link. */
  readonly ask: (link: Link, fields: readonly HeaderField[]) => Promise<Reply>;
  /** Ends the body of a request that was answered before it, so that another one can follow. */
  readonly endRequest?: (link: Link) => void;
  /** Makes another connection to the hop. */
  readonly connect: () => Promise<Link>;
  readonly signal: AbortSignal;
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
    if (reply.isPersistent) this.#connections.endRequest?.(this.link);
    this.body = undefined;
    const read = await readBody(this.link, reply, this.#connections.signal);
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

/**
 * Reads the body of an answer that asks within its limits. Bytes behind it stay in the stream. Returns undefined if the
 * body ends with the connection, or if nobody can tell.
 */
async function readBody({ stream }: Link, reply: Reply, signal: AbortSignal): Promise<ChallengeBody | undefined> {
  const framing = findFraming(reply);
  return (
    framing && readChallengeBody(new BodyStream(new BodyReader(stream, framing, (fault) => new Error(fault))), signal)
  );
}

/** Finds how the body of an answer that asks ends; undefined if it ends with the connection, or if nobody can tell. */
function findFraming({ headers, isPersistent }: Reply): Framing | undefined {
  if (!isPersistent) return undefined;
  try {
    const framing = readFraming(headers, 'response');
    return framing.kind === 'close' ? undefined : framing;
  } catch {
    return undefined;
  }
}
