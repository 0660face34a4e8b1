/** The next step on the connection after an exchange; `nothing` if the connection is no longer ours. */
export type Http1Next = 'request' | 'close' | 'nothing';

/** Receives the next step on the connection, once the exchange no longer uses it. */
export interface NextReceiver {
  onNext(next: Http1Next): void;
}
