import type { Reply } from '../call.ts';

/** Time in milliseconds for the rest of a body that nobody wants. */
const restMs = 1000;

/**
 * Reads the rest of an answer that nobody wants, so that it fills no window, and its stream ends in order: a reset counts
 * against a session. One that does not end within a second is reset all the same, or a hop could send for ever.
 */
export function leaveBody(reply: Pick<Reply, 'body' | 'cancel'>): void {
  const { body } = reply;
  if (body.readableEnded || body.destroyed) return;
  const timer = setTimeout(() => reply.cancel(new Error('nobody waits for the rest of the answer')), restMs);
  timer.unref();
  const stop = () => clearTimeout(timer);
  body.once('end', stop).once('close', stop).resume();
}
