/** What a peer may send to us on a stream or a connection, and what of it we have to give back (RFC 9113, section 6.9). */
export class ReceiveWindow {
  /** What the peer may have on the way to its reader. */
  sizeBytes: number;
  /** What the peer may still send. */
  leftBytes: number;
  /** What was delivered or dropped, and is not given back yet. */
  owedBytes = 0;

  constructor(sizeBytes: number, leftBytes: number = sizeBytes) {
    this.sizeBytes = sizeBytes;
    this.leftBytes = leftBytes;
  }

  /** Notes bytes that came; false if the peer was not allowed to send them. */
  take(bytes: number): boolean {
    this.leftBytes -= bytes;
    return this.leftBytes >= 0;
  }

  /** Notes bytes that were delivered or dropped; true once a WINDOW_UPDATE is due: at half of the window. */
  credit(bytes: number): boolean {
    this.owedBytes += bytes;
    return this.owedBytes * 2 >= this.sizeBytes;
  }

  /** Widens the window; the peer hears of it with the next update. */
  grow(bytes: number): void {
    this.sizeBytes += bytes;
    this.owedBytes += bytes;
  }

  /** Takes the increment of the WINDOW_UPDATE that is sent now. */
  takeIncrement(): number {
    const increment = this.owedBytes;
    this.leftBytes += increment;
    this.owedBytes = 0;
    return increment;
  }
}
