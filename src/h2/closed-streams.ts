/** Streams that are remembered after they were closed. */
const maxRemembered = 1024;

/** How a stream was closed, where it was not we who reset it. */
const byPeer = -1;
const byEnds = -2;

/** The streams that were closed last: what may still come for one depends on how it was closed (RFC 9113, section 5.1). */
export class ClosedStreams {
  readonly #streams = new Map<number, number>();

  /** We have reset it. The peer may have sent `leftBytes` more before it knew. */
  addOwn(stream: number, leftBytes: number): void {
    this.#add(stream, Math.max(0, leftBytes));
  }

  /** Both halves have ended, or the peer has reset it. */
  add(stream: number, isReset: boolean): void {
    this.#add(stream, isReset ? byPeer : byEnds);
  }

  /** How it was closed; `forgotten` also for one that never was. */
  find(stream: number): 'own' | 'peer' | 'ends' | 'forgotten' {
    const how = this.#streams.get(stream);
    if (how === undefined) return 'forgotten';
    if (how >= 0) return 'own';
    return how === byPeer ? 'peer' : 'ends';
  }

  /** Notes data that came for a stream that we have reset; false if it is more than could be on the way. */
  take(stream: number, bytes: number): boolean {
    const left = (this.#streams.get(stream) ?? 0) - bytes;
    if (left >= 0) this.#streams.set(stream, left);
    return left >= 0;
  }

  #add(stream: number, how: number): void {
    if (this.#streams.size >= maxRemembered) {
      const [oldest] = this.#streams.keys();
      if (oldest !== undefined) this.#streams.delete(oldest);
    }
    this.#streams.set(stream, how);
  }
}
