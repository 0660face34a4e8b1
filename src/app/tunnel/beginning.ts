import { isWebRequest, recogniseWeb, type WebBytes } from '../../http/tunnel/web-answer.ts';
import { TunlError } from '../../core/errors.ts';
import type { RelayWatch } from '../../relay/terms.ts';
import type { Doubts } from './doubts.ts';

/** The time, in milliseconds, within which an end without a byte means that the target was not reached. */
const emptyMs = 1000;

/** The most bytes of the first chunk that are kept. */
const keptBytes = 256;

/** The ways in which a target can leave a tunnel before it has sent anything. */
type Leaving = 'ended' | 'reset the tunnel';

/** Makes the failure of a tunnel that opened but did not reach its target. */
export function emptyError(target: string, how: Leaving): TunlError {
  return new TunlError('tunnel_truncated', describeEmpty(how, target), { side: 'target', phase: 'relay' });
}

function describeEmpty(how: Leaving, place: string): string {
  return `the target ${how} without a byte; some proxies answer 200 before they have tried (${place})`;
}

/** The tunnel whose beginning is watched, and what to do with it. */
export interface BeginningOptions {
  readonly target: string;
  /** The hops as URLs without secrets; without hops no proxy answered for the target, so nothing is doubted. */
  readonly via: readonly string[];
  readonly doubts: Doubts;
  /** True to keep the first bytes for the caller. */
  readonly keepsBytes: boolean;
}

/** Watches the beginning of a tunnel: the first bytes in each direction, and whether the target ended without any. */
export class Beginning implements RelayWatch {
  /** The first bytes that were sent, if they are kept. */
  sent: Buffer | undefined;
  /** The first bytes that came back, if they are kept. */
  received: Buffer | undefined;
  /** True if the target ended soon and without a byte while the client could still send; a warning has been emitted. */
  isEmpty = false;
  readonly #options: BeginningOptions;
  readonly #began = performance.now();
  /** The first bytes that were sent, until something has come back. */
  #asked: string | undefined;
  #isHeard = false;

  constructor(options: BeginningOptions) {
    this.#options = options;
  }

  onFirst(from: 'client' | 'target', chunk: Buffer): void {
    if (from === 'target') return this.#onReceived(chunk);
    if (this.#options.keepsBytes) this.sent = keep(chunk);
    if (!this.#isHeard) this.#asked = chunk.toString('latin1', 0, keptBytes);
  }

  onTargetEnd(hasClientEnded: boolean): void {
    if (!this.#isEarly || hasClientEnded) return;
    this.isEmpty = this.#options.via.length > 0;
    this.#say('empty', describeEmpty('ended', this.#place));
  }

  #onReceived(chunk: Buffer): void {
    const web = recogniseWeb(chunk, keptBytes);
    // A web server that has received nothing for some time sends a 408 before it closes.
    if (web && (this.#asked === undefined ? this.#isEarly : !isWebRequest(this.#asked))) this.#sayWeb(web);
    this.#isHeard = true;
    this.#asked = undefined;
    if (this.#options.keepsBytes) this.received = keep(chunk);
  }

  get #isEarly(): boolean {
    return !this.#isHeard && performance.now() - this.#began < emptyMs;
  }

  #sayWeb({ kind, line }: WebBytes): void {
    const what = kind === 'page' ? 'begins with a page' : 'begins with an answer in HTTP';
    const asked = this.#asked === undefined ? 'before anything was asked' : 'to what was no request';
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

/** Copies the first bytes: the chunk is only lent. */
function keep(chunk: Buffer): Buffer {
  return Buffer.from(chunk.subarray(0, keptBytes));
}
