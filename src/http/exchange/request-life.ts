import type { RequestEnd, RequestWatch } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';

/** Follows a request from its head to its end: counts its bytes, notifies its watcher and enforces its idle limit. */
export class RequestLife {
  /** Status of the answer, once it has begun. */
  status: number | undefined;
  sent = 0;
  received = 0;
  #end: RequestEnd | undefined;
  #watch: RequestWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Created on first use, because a tunnel does not need it. */
  #done: Promise<RequestEnd> | undefined;
  #resolve: ((end: RequestEnd) => void) | undefined;

  /** Resolves with the end of the request. */
  get done(): Promise<RequestEnd> {
    this.#done ??= this.#end
      ? Promise.resolve(this.#end)
      : new Promise((resolve) => {
          this.#resolve = resolve;
        });
    return this.#done;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  get isAnswered(): boolean {
    return this.status !== undefined;
  }

  get isWatched(): boolean {
    return this.#watch !== undefined;
  }

  watch(watch: RequestWatch): void {
    this.#watch = watch;
    clearTimeout(this.#timer);
    if (watch.idleMs > 0 && !this.isOver) this.#timer = setTimeout(() => watch.onIdle(), watch.idleMs);
  }

  /** Counts bytes of the body that the client sent. */
  onSent(bytes: number): void {
    this.sent += bytes;
    this.#timer?.refresh();
  }

  /** Counts bytes of the answer's body that were sent to the client. */
  onReceived(bytes: number): void {
    this.received += bytes;
    this.#timer?.refresh();
  }

  begin(status: number, headers: readonly HeaderField[]): void {
    if (this.isAnswered) throw new Error('a request is answered once');
    this.status = status;
    this.#timer?.refresh();
    this.#watch?.onAnswer(status, headers);
  }

  /** Records the end of the request; only the first call counts. */
  end(error?: Error): void {
    if (this.#end) return;
    this.#end = { ...(this.status !== undefined && { status: this.status }), ...(error && { error }) };
    clearTimeout(this.#timer);
    this.#resolve?.(this.#end);
  }
}
