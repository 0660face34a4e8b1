import { type Link, resetError } from '../../core/link.ts';

/** Limits, in bytes and in milliseconds, for data that the other side still sends before it notices the end. */
const lingerBytes = 256 * 1024;
const lingerMs = 2000;

/**
 * Ends our half and reads on, within limits, until the peer ends its own. If we closed at once, the kernel would reset
 * the connection and so destroy the answer in the peer's buffer.
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
