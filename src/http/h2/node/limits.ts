import type { Http2Session } from 'node:http2';

/** Limits that Node has of its own, which are not the same in all its versions. */
export const nodeLimits = {
  /** Memory that a session may hold, in MB: Node's default of 10 refuses streams with large windows. */
  maxSessionMemory: 1024,
  // Resets are counted by `ResetBudget`. Where nghttp2 counts first it ends the session, and Node does not say so.
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
};

/** Sends PINGs for as long as the session lives; calls `onDead` when they are not answered. */
export function keepAlive(session: Http2Session, pingMs: number, onDead: () => void): void {
  if (pingMs <= 0) return;
  let unanswered = 0;
  const timer = setInterval(() => {
    if (session.destroyed) return clearInterval(timer);
    if (unanswered >= 2) return onDead();
    unanswered++;
    const isSent = session.ping((error) => {
      if (!error) unanswered = 0;
    });
    if (!isSent) unanswered--;
  }, pingMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
