import { resolve } from 'node:path';
import { usageError } from './errors.ts';

/** What fits into the address of a Unix socket (unix(7)). */
const maxPathBytes = 107;

/**
 * True for a socket of the abstract namespace of Linux (unix(7)), which is no file: nobody unlinks it, and no permissions
 * keep anybody away.
 */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0');
}

/** The facts that decide whether there are such sockets, and whether other programs find ours. */
export interface SocketHost {
  readonly platform: string;
  readonly versions: { readonly node: string; readonly uv: string };
}

/**
 * Reads the path of a socket as people and Envoy write it: `@name` is a name of the abstract namespace, `./@name` a file.
 * @throws {TunlError} usage, for a name where there are only files
 */
export function readUnixPath(text: string, host: SocketHost = process): string {
  if (!text.startsWith('@')) return text;
  const place = `unix:${text}`;
  if (text === '@') throw usageError(`${place} has no name`, 'write unix:@name');
  const file = `write unix:./${text} for a file`;
  if (host.platform !== 'linux') throw usageError(`${place} is no file, and only Linux has other sockets`, file);
  if (isPadding(host.versions.uv)) {
    const { node } = host.versions;
    const message = `${place} needs Node 22 or later: Node ${node} makes another name of it, which no other program finds`;
    throw usageError(message, 'or inherit the socket: fd:3', file);
  }
  return `\0${text.slice(1)}`;
}

/** Before 1.48 libuv takes the zeros behind a name for a part of it. */
function isPadding(uv: string): boolean {
  const [major = 0, minor = 0] = uv.split('.').map(Number);
  return major === 1 && minor < 48;
}

/** Writes the path of a socket as people and Envoy write it. */
export function writeUnixPath(path: string): string {
  return isAbstract(path) ? `@${path.slice(1)}` : path;
}

/** True for paths that are the same without a look at the files. */
export function isSameUnixPath(one: string, other: string): boolean {
  // A name of the abstract namespace is no path, whatever slashes are in it.
  if (isAbstract(one) || isAbstract(other)) return one === other;
  return resolve(one) === resolve(other);
}

/**
 * The path, if a socket can have it. Node would cut a longer one without a word.
 * @throws {TunlError} usage
 */
export function assertUnixPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return path;
  throw usageError(
    `unix:${writeUnixPath(path)} is too long: the path of a socket may have ${maxPathBytes} bytes, this one has ${bytes}`,
  );
}
