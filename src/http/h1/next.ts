/** The next step on the connection after an exchange; `nothing` if the connection is no longer ours. */
export type Http1Next = 'request' | 'close' | 'nothing';

/** Receives the next step on the connection, once the exchange no longer uses it. */
export interface NextReceiver {
  /** True if the exchange that is about to be answered is the last. */
  readonly isLast: boolean;
  onNext(next: Http1Next): void;
  /** The connection carries parts of tunnels: it is not closed because the program stops. */
  onHold(): void;
}
