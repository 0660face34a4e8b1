import { STATUS_CODES } from 'node:http';
import type { HeaderField } from '../../core/hop.ts';
import { resetError, type Link } from '../../core/link.ts';
import { formatHead } from '../wire/message.ts';

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

/**
 * Writes a whole HTTP/1.1 response and closes the connection in stages (RFC 9112, section 9.6), so that the client can
 * read it. Further requests on the connection are ignored.
 */
export async function respondAndClose(
  link: Link,
  status: number,
  headers: readonly HeaderField[],
  body: string,
): Promise<void> {
  const bytes = Buffer.from(body, 'utf8');
  const fields: HeaderField[] = [
    ...headers,
    ['Connection', 'close'],
    ['Content-Length', String(bytes.length)],
    ...(bytes.length > 0 ? [['Content-Type', 'text/plain; charset=utf-8'] as const] : []),
  ];
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, fields);
  link.stream.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  await closeStaged(link);
}
