import { usageError } from './errors.ts';

/** What fits into the address of a Unix socket (unix(7)). */
const maxPathBytes = 107;

/**
 * The path, if a socket can have it. Node would cut a longer one without a word.
 * @throws {TunlError} usage
 */
export function assertUnixPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return path;
  throw usageError(
    `unix:${path} is too long: the path of a socket may have ${maxPathBytes} bytes, this one has ${bytes}`,
  );
}
