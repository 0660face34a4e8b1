import { connect } from 'node:net';
import { inTime } from '../eventually.ts';

/**
 * Connects to a port of 127.0.0.1, sends nothing, and returns how the connection ended: `end` for a clean end, or the
 * code of the error. A reset may arrive before the connection is reported.
 */
export function visit(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const ended = new Promise<string>((resolve) => {
    socket.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => resolve(code));
    socket.once('end', () => resolve('end'));
    socket.resume();
  });
  return inTime('the end of the visit', ended).finally(() => socket.destroy());
}
