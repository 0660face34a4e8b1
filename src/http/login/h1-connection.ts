import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import type { Reply } from '../call.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
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
    const read = await readChallengeBody(this.link, reply, this.#connections.signal);
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

/** The most bytes of the body of an answer that asks that are read to keep its connection, and the time in milliseconds for it. */
const maxBodyBytes = 64 * 1024;
const bodyMs = 1000;

/** The most bytes of a body that are kept for a diagnosis. */
const maxShownBytes = 8 * 1024;

/** The body of an answer that asks. */
interface ChallengeBody {
  /** Its beginning. */
  readonly text: string;
  /** True if it was read to its end, so that its connection takes another request. */
  readonly isWhole: boolean;
}

/**
 * Reads the body of an answer that asks within its limits. Bytes behind it stay in the stream. Returns undefined if the body ends with
 * the connection, or if nobody can tell where it ends.
 */
async function readChallengeBody(link: Link, reply: Reply, signal: AbortSignal): Promise<ChallengeBody | undefined> {
  const framing = findFraming(reply);
  return framing && readBody(link, framing, signal);
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

function readBody({ stream }: Link, framing: Framing, signal: AbortSignal): Promise<ChallengeBody> {
  const reader = new BodyReader(stream, framing, (fault) => new Error(fault));
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const giveUp = () => finish(false);
    const timer = setTimeout(giveUp, bodyMs);
    const finish = (isWhole: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      const shown = Buffer.concat(parts).subarray(0, maxShownBytes);
      resolve({ text: shown.toString('utf8'), isWhole });
    };
    if (reader.isOver) return finish(true);
    signal.addEventListener('abort', giveUp);
    reader.resume({
      onPart(part) {
        if (bytes < maxShownBytes) parts.push(part);
        bytes += part.length;
        if (bytes > maxBodyBytes) giveUp();
        return bytes <= maxBodyBytes;
      },
      onEnd: () => finish(true),
      onError: giveUp,
    });
  });
}
