import type { Duplex } from 'node:stream';
import { isWebRequest, recogniseWeb, type WebBytes } from '../../http/tunnel/web-answer.ts';
import { TunlError } from '../../core/errors.ts';
import type { Doubts } from './doubts.ts';

/** Within this an end without a byte says that nothing was reached. */
const emptyMs = 1000;

/** As much of the first bytes as is looked at. */
const keptBytes = 256;

/** How a target can leave a tunnel before it has sent anything. */
type Leaving = 'ended' | 'reset the tunnel';

/** The failure of a tunnel that opened and led nowhere. */
export function emptyError(target: string, how: Leaving): TunlError {
  return new TunlError('tunnel_truncated', describeEmpty(how, target), { side: 'target', phase: 'relay' });
}

function describeEmpty(how: Leaving, place: string): string {
  return `the target ${how} without a byte; some proxies answer 200 before they have tried (${place})`;
}

/** Whose beginning it is, and what is made of it. */
export interface BeginningOptions {
  readonly target: string;
  /** The hops as URLs without secrets; where there are none nobody has said yes, and nothing is doubted. */
  readonly via: readonly string[];
  readonly doubts: Doubts;
  /** The first bytes are asked for later. */
  readonly keepsBytes: boolean;
}

/** The beginning of a tunnel: the first bytes each way, and whether the target ended without any. */
export class Beginning {
  /** The first bytes that were sent. */
  sent: Buffer | undefined;
  /** The first bytes that came back. */
  received: Buffer | undefined;
  /** The target ended soon, without a byte, while the client might still send. It was said. */
  isEmpty = false;
  readonly #client: Duplex;
  readonly #options: BeginningOptions;
  readonly #began = performance.now();
  #isHeard = false;

  /** Looks at the first chunk each way, and at nothing behind it. The relay must start in the same tick. */
  constructor(client: Duplex, upstream: Duplex, options: BeginningOptions) {
    this.#client = client;
    this.#options = options;
    const onEnd = () => this.#onEnd();
    client.once('data', (chunk: Buffer) => {
      if (options.keepsBytes || !this.#isHeard) this.sent = keep(chunk);
    });
    if (upstream.readableEnded) onEnd();
    else upstream.once('end', onEnd);
    upstream.once('data', (chunk: Buffer) => {
      upstream.off('end', onEnd);
      this.#onReceived(keep(chunk));
    });
  }

  #onEnd(): void {
    if (!this.#isEarly || this.#client.readableEnded) return;
    this.isEmpty = this.#options.via.length > 0;
    this.#say('empty', describeEmpty('ended', this.#place));
  }

  #onReceived(bytes: Buffer): void {
    const { keepsBytes } = this.#options;
    const web = recogniseWeb(bytes);
    // A web server that was sent nothing for some time says so (408) before it closes.
    if (web && (this.sent ? !isWebRequest(this.sent) : this.#isEarly)) this.#sayWeb(web);
    this.#isHeard = true;
    this.received = keepsBytes ? bytes : undefined;
    if (!keepsBytes) this.sent = undefined;
  }

  get #isEarly(): boolean {
    return !this.#isHeard && performance.now() - this.#began < emptyMs;
  }

  #sayWeb({ kind, line }: WebBytes): void {
    const what = kind === 'page' ? 'begins with a page' : 'begins with an answer in HTTP';
    const asked = this.sent ? 'to what was no request' : 'before anything was asked';
    this.#say('web', `the tunnel ${what} ${asked}: "${line}" (${this.#place})`);
  }

  #say(kind: 'empty' | 'web', message: string): void {
    const { via, doubts } = this.#options;
    if (via.length > 0) doubts.say(kind, message);
  }

  get #place(): string {
    const { target, via } = this.#options;
    return `${target} via ${via.join(', ')}`;
  }
}

/** A copy, so that a few bytes do not keep the whole chunk in memory. */
function keep(chunk: Buffer): Buffer {
  return Buffer.from(chunk.subarray(0, keptBytes));
}
