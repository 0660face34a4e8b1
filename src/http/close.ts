import { resetError, type Link } from '../core/link.ts';

/** What the other side may still send while it has not noticed the end: by bytes and by time. */
const lingerBytes = 256 * 1024;
const lingerMs = 2000;

/**
 * Ends our half and reads on, bounded, until the peer ends its own. Closing at once would make the
 * kernel reset the connection and with it destroy the answer in the peer's buffer.
 */
export function closeStaged(link: Link): Promise<void> {
  const { stream } = link;
  return new Promise((resolve) => {
    let discarded = 0;
    const timer = setTimeout(() => link.reset(resetError('the other side did not close the connection')), lingerMs);
    stream.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > lingerBytes) link.reset(resetError('the other side sent too much after the end'));
    });
    const finish = () => {
      clearTimeout(timer);
      resolve();
    };
    if (stream.destroyed) return finish();
    stream.once('close', finish);
    stream.end();
    stream.resume();
  });
}
