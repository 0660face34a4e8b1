import { resolve } from 'node:path';
import { usageError } from './errors.ts';

/** Bytes in the longest path of a Unix socket: `sun_path` without its final NUL (unix(7)), which is shorter on BSD and macOS. */
export const maxUnixPathBytes: number = process.platform === 'linux' ? 107 : 103;

/**
 * True for a socket in the abstract namespace of Linux (unix(7)). It is not a file: it cannot be unlinked, and no
 * permissions protect it.
 */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0');
}

/** Facts about this machine: whether it has abstract sockets, and whether other programs find ours. */
export interface SocketHost {
  readonly platform: string;
  readonly versions: { readonly node: string; readonly uv: string };
}

/**
 * Reads the path of a socket as people and Envoy write it: `@name` is in the abstract namespace, `./@name` is a file.
 * @throws {TunlError} usage, for an abstract name on a machine that has none
 */
export function readUnixPath(text: string, host: SocketHost = process): string {
  if (!text.startsWith('@')) return text;
  const place = `unix:${text}`;
  if (text === '@') throw usageError(`${place} has no name`, 'write unix:@name');
  const file = `write unix:./${text} for a file`;
  if (host.platform !== 'linux') throw usageError(`${place} is not a file, and only Linux has abstract sockets`, file);
  if (isPadding(host.versions.uv)) {
    const { node } = host.versions;
    const message = `${place} needs Node 22 or later: Node ${node} changes the name, so that no other program finds it`;
    throw usageError(message, 'or inherit the socket: fd:3', file);
  }
  return `\0${text.slice(1)}`;
}

/** True before libuv 1.48, which takes the zeros after a name for a part of it. */
function isPadding(uv: string): boolean {
  const [major = 0, minor = 0] = uv.split('.').map(Number);
  return major === 1 && minor < 48;
}

/** Writes the path of a socket as people and Envoy write it. */
export function writeUnixPath(path: string): string {
  return isAbstract(path) ? `@${path.slice(1)}` : path;
}

/** True for paths that are the same by their text; files are not looked at. */
export function isSameUnixPath(one: string, other: string): boolean {
  // An abstract name is not a path, even if it has slashes.
  if (isAbstract(one) || isAbstract(other)) return one === other;
  return resolve(one) === resolve(other);
}

/**
 * Returns the path if a socket can have it. Node would silently cut a longer one.
 * @throws {TunlError} usage, for a path that is longer than `maxUnixPathBytes`
 */
export function assertUnixPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxUnixPathBytes) return path;
  throw usageError(
    `unix:${writeUnixPath(path)} is too long: the path of a socket may have ${maxUnixPathBytes} bytes, this one has ${bytes}`,
  );
}
