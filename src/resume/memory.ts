/** Memory that all resumable streams of a process may use for bytes that are not yet acknowledged or read. */
const processBytes = 256 * 1024 * 1024;

/** Counts the memory of resumable streams, and asks for room when there is too much of it. */
export class StreamMemory {
  bytes = 0;
  readonly #maxBytes: number;
  /** Called when a stream takes more than there is: those that wait for a transport may be given up, in a later tick. */
  onFull: (() => void) | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True if streams may not take more than they need to go on. */
  get isFull(): boolean {
    return this.bytes > this.#maxBytes;
  }

  /** Notes that a stream takes more memory, or less. */
  add(bytes: number): void {
    this.bytes += bytes;
    if (bytes > 0 && this.isFull) this.onFull?.();
  }
}

/** The only one of this process. */
export const processMemory = new StreamMemory(processBytes);
