import { toTunlError, TunlError } from '../../core/errors.ts';
import type { PacCache, PacCopy } from './cache.ts';
import { decodePac } from './charset.ts';
import { fetchPac, type FetchEnv } from './fetch.ts';

/** The time for which a copy is used without asking again, in milliseconds; asking for a local file costs little. */
const [freshMs, freshLocalMs] = [3_600_000, 10_000];

/** The wait after a failure, in milliseconds, with a copy to use meanwhile and without one. */
const [staleMs, failedMs] = [300_000, 8000];

/** Receives a sentence for the user. */
export type Notice = (level: 'warning' | 'verbose', message: string) => void;

/** A PAC file that can be used. */
export interface UsablePac<T> {
  readonly script: T;
  readonly copy: PacCopy;
}

/** The parts that a PacFile is made of. */
export interface PacFileParts<T> extends FetchEnv {
  readonly url: URL;
  /** Absent if nothing is kept on the disk. */
  readonly cache?: PacCache;
  /** Makes a text ready to run. @throws {TunlError} if it is no PAC file */
  readonly prepare: (text: string) => Promise<T>;
  /** True to ask whether a copy on the disk is still right, however fresh it is. */
  readonly isRenewed?: boolean;
  readonly now?: () => number;
}

/**
 * A PAC file by its URL. It is read at its first use, kept for an hour, and then asked for again with the validators of
 * the copy. If it cannot be had, or is no PAC file any more, the last copy is used, however old. Local files are read
 * again every ten seconds, and are not copied to the disk.
 */
export class PacFile<T> {
  readonly #parts: PacFileParts<T>;
  readonly #now: () => number;
  #usable: UsablePac<T> | undefined;
  #loading: Promise<UsablePac<T>> | undefined;
  #failure: { readonly error: TunlError; readonly until: number } | undefined;
  #askAgain = 0;

  constructor(parts: PacFileParts<T>) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Returns the file, ready to run. Calls at the same time share one request.
   * @param signal ends the request for all of them
   * @throws {TunlError} with `undecided`, if it cannot be had and there is no copy
   */
  async use(signal: AbortSignal, notice: Notice): Promise<UsablePac<T>> {
    if (this.#usable && this.#now() < this.#askAgain) return this.#usable;
    if (this.#failure && this.#now() < this.#failure.until) throw this.#failure.error;
    this.#loading ??= this.#load(signal, notice).finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Asks for the file at its next use, however fresh the copy is. */
  renew(): void {
    this.#askAgain = 0;
    this.#failure = undefined;
  }

  async #load(signal: AbortSignal, notice: Notice): Promise<UsablePac<T>> {
    const { url, cache, isRenewed = false } = this.#parts;
    const isLocal = url.protocol === 'file:';
    const lastsMs = isLocal ? freshLocalMs : freshMs;
    const kept = this.#usable?.copy ?? (isLocal ? undefined : await cache?.read(url.href));
    if (kept && !isRenewed && !this.#usable && this.#now() < kept.checked + lastsMs) {
      const usable = await this.#prepare(kept).catch(() => undefined);
      if (usable) {
        notice('verbose', `${nameOf(url)}: the copy of ${formatTime(kept.checked)} is used`);
        return this.#keep(usable, kept.checked + lastsMs);
      }
    }
    try {
      const read = await fetchPac(url, kept ?? {}, this.#parts, signal);
      const checked = this.#now();
      const copy = read === 'unchanged' ? kept && { ...kept, checked } : { ...read, checked };
      if (!copy) throw new TunlError('http_protocol_error', 'the server answered 304 to a request without validators');
      const usable = await this.#prepare(copy);
      if (!isLocal) await cache?.write(url.href, copy);
      notice('verbose', `${nameOf(url)}: ${read === 'unchanged' ? 'unchanged' : `${copy.bytes.length} bytes`}`);
      return this.#keep(usable, checked + lastsMs);
    } catch (error) {
      if (signal.aborted) throw error;
      return await this.#fallBack(kept, toTunlError(error), notice);
    }
  }

  /** Uses the last copy in the place of a file that cannot be had. */
  async #fallBack(kept: PacCopy | undefined, cause: TunlError, notice: Notice): Promise<UsablePac<T>> {
    const { url } = this.#parts;
    const usable = this.#usable ?? (kept && (await this.#prepare(kept).catch(() => undefined)));
    if (usable) {
      const age = formatTime(usable.copy.checked);
      notice('warning', `the PAC file ${nameOf(url)} cannot be had (${cause.message}); the copy of ${age} is used`);
      return this.#keep(usable, this.#now() + staleMs);
    }
    const { facts, code } = cause;
    const error = new TunlError(code, `the PAC file ${nameOf(url)} cannot be had: ${cause.message}`, {
      ...facts,
      side: 'hop',
      cause,
      undecided: true,
    });
    this.#failure = { error, until: this.#now() + failedMs };
    throw error;
  }

  async #prepare(copy: PacCopy): Promise<UsablePac<T>> {
    const { copy: last, script } = this.#usable ?? {};
    if (script !== undefined && last?.bytes.equals(copy.bytes)) return { copy, script };
    return { copy, script: await this.#parts.prepare(decodePac(copy.bytes, copy.contentType)) };
  }

  #keep(usable: UsablePac<T>, askAgain: number): UsablePac<T> {
    this.#failure = undefined;
    this.#usable = usable;
    this.#askAgain = askAgain;
    return usable;
  }
}

/** Names a PAC file in messages, without its query. */
export function nameOf({ protocol, host, pathname }: URL): string {
  return protocol === 'file:' ? pathname : `${protocol}//${host}${pathname}`;
}

function formatTime(time: number): string {
  return new Date(time).toISOString().replace(/:\d\d\.\d+Z$/, 'Z');
}
