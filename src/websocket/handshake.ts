import { createHash } from 'node:crypto';

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
