/** The first pause before a PING, in milliseconds, and the longest: each is twice as long as the one before. */
const [firstMs, longestMs] = [50, 2000];

/**
 * Sends PINGs with growing pauses until the returned function is called. A server that keeps the head of an answer until
 * something follows it sends it along with the answer to a PING: nginx before 1.23 does so over TLS (its ticket 1743),
 * and nothing follows where the client waits for the head.
 */
export function nudge(ping: () => void): () => void {
  let pauseMs = firstMs;
  const onPause = () => {
    ping();
    pauseMs = Math.min(longestMs, pauseMs * 2);
    timer = setTimeout(onPause, pauseMs).unref();
  };
  let timer = setTimeout(onPause, pauseMs).unref();
  return () => clearTimeout(timer);
}
