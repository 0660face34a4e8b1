import { randomBytes } from 'node:crypto';
import { originAuth } from '../auth/model/fields.ts';
import { formatAddress, type TcpAddress } from '../core/address.ts';
import type { Reach, Session } from '../core/carrier.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import type { Link } from '../core/link.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { type Http2Terms, openHttp2Session } from '../http/tunnel/h2-session.ts';
import { reachByVersion } from '../http/tunnel/hop-versions.ts';
import { ownHost } from '../http/tunnel/request-fields.ts';
import { fieldValues, listTokens } from '../http/wire/message.ts';
import { formatTunnelPath } from '../http/wire/tunnel-path.ts';
import { acceptOf, protocol, subprotocol, version } from './handshake.ts';
import { webSocketLink } from './link.ts';

/**
 * Opens a session that asks for its tunnels by WebSocket: over HTTP/1.1 (RFC 6455, section 4.1), or for many in one
 * session of HTTP/2 (RFC 8441), if the hop chose that and takes them there.
 */
export async function openWebSocket(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session> {
  const link = await reach(reachByVersion(hop));
  const isForced = hop.tls.alpn === 'h2';
  if (link.peer.tls && (isForced || link.peer.tls.alpn === 'h2')) {
    return openHttp2Session(link, hop, ctx, { ...http2Terms, older: !isForced });
  }
  return new Http1Session(link, hop, makeHttp1Terms(), (later) =>
    reach({ form: 'tunnel', alpn: ['http/1.1'], ctx: later }),
  );
}

/** The same in both versions of HTTP. */
const common = {
  method: 'GET',
  requestTarget: (target: TcpAddress, { settings }: Hop) => formatTunnelPath(target, settings['prefix']),
  host: (hop: Hop) => ownHost(hop, hop.scheme === 'wss' ? 443 : 80),
  opens: { kind: 'upgrade', protocol },
  asks: originAuth,
} as const;

const offer: readonly HeaderField[] = [
  ['Sec-WebSocket-Version', version],
  ['Sec-WebSocket-Protocol', subprotocol],
];

function makeHttp1Terms(): Http1TunnelTerms {
  const key = randomBytes(16).toString('base64');
  return {
    ...common,
    fields: () => [['Connection', 'Upgrade'], ['Upgrade', protocol], ['Sec-WebSocket-Key', key], ...offer],
    frame: (link, { headers }, hop) => {
      if (fieldValues(headers, 'sec-websocket-accept').join() !== acceptOf(key)) {
        throw notOursError(hop, 'without the proof that it speaks WebSocket');
      }
      return frame(link, headers, hop);
    },
  };
}

/** RFC 8441, section 5: there is no key, and no proof that it was understood. */
const http2Terms: Http2Terms = {
  ...common,
  fields: () => offer,
  frame: (link, { headers }, hop) => frame(link, headers, hop),
  halfClose: 'now',
};

/** Puts frames around what was opened, if the answer is one of ours. @throws {TunlError} http_upgrade_failed */
function frame(link: Link, answer: readonly HeaderField[], hop: Hop): Link {
  if (fieldValues(answer, 'sec-websocket-protocol').join() !== subprotocol) {
    throw notOursError(hop, `without the subprotocol ${subprotocol}`);
  }
  if (listTokens(answer, 'sec-websocket-extensions').length > 0) {
    throw notOursError(hop, 'with extensions that were not offered');
  }
  return webSocketLink(link, 'client');
}

function notOursError({ address }: Hop, fault: string): TunlError {
  return new TunlError('http_upgrade_failed', `${formatAddress(address)} changed to WebSocket ${fault}`, {
    side: 'hop',
    phase: 'handshake',
    hints: ['at that path stands something else than tunl serve --ws'],
  });
}
