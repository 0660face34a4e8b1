import { formatHostPort, type TcpAddress } from '../../core/address.ts';
import { parseAuthority } from '../../syntax/authority.ts';
import { usualPathPrefix } from '../../syntax/stage-settings.ts';

/** Writes the path that asks for a tunnel: `/.well-known/tunl/tcp/HOST/PORT`, with the colons of IPv6 percent-encoded. */
export function formatTunnelPath({ host, port }: TcpAddress, prefix = usualPathPrefix): string {
  return `${prefix}/tcp/${encodeURIComponent(host)}/${port}`;
}

/**
 * Reads such a path; `undefined` if it is another one.
 * @throws {TunlError} http_request_error, if it names no target
 */
export function parseTunnelPath(path: string, prefix: string): TcpAddress | undefined {
  const start = `${prefix}/tcp/`;
  if (!path.startsWith(start)) return undefined;
  const [, name = '', port = ''] = /^([^/?#]*)\/([^/?#]*)$/.exec(path.slice(start.length)) ?? [];
  // A front end may have decoded it.
  const host = name.replaceAll(/%(3a|5b|5d)/gi, (_all, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return parseAuthority(host.startsWith('[') ? `${host}:${port}` : formatHostPort(host, port));
}
