import { createHash } from 'node:crypto';
import { formatHostPort, type TcpAddress } from '../core/address.ts';
import { parseAuthority } from '../syntax/authority.ts';
import { usualPathPrefix } from '../syntax/stage-settings.ts';

/** The protocol, as `Upgrade` and an extended CONNECT name it. */
export const protocol = 'websocket';

/** The subprotocol: how tunnels use messages is written down in docs/carriers.md. */
export const subprotocol = 'tunl';

/** The only version of WebSocket (RFC 6455, section 4.1). */
export const version = '13';

/** Fixed by RFC 6455, section 1.3. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Computes the `Sec-WebSocket-Accept` for a key (RFC 6455, section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${guid}`).digest('base64');
}

/** Writes the path that asks for a tunnel: `/.well-known/tunl/tcp/HOST/PORT`, with the colons of IPv6 percent-encoded. */
export function formatPath({ host, port }: TcpAddress, prefix = usualPathPrefix): string {
  return `${prefix}/tcp/${encodeURIComponent(host)}/${port}`;
}

/**
 * Reads such a path; `undefined` if it is another one.
 * @throws {TunlError} http_request_error, if it names no target
 */
export function parsePath(path: string, prefix: string): TcpAddress | undefined {
  const start = `${prefix}/tcp/`;
  if (!path.startsWith(start)) return undefined;
  const [, name = '', port = ''] = /^([^/?#]*)\/([^/?#]*)$/.exec(path.slice(start.length)) ?? [];
  // A front end may have decoded it.
  const host = name.replaceAll(/%(3a|5b|5d)/gi, (_all, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return parseAuthority(host.startsWith('[') ? `${host}:${port}` : formatHostPort(host, port));
}
