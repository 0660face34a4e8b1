import type { ClaimTerms } from '../core/carrier.ts';
import { requestError } from '../core/errors.ts';
import type { TunnelExchange, TunnelRequest } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import { assertNoOrigin, originTerms, toTunnelRequest } from '../http/server/tunnel-request.ts';
import { fieldValues, listTokens } from '../http/wire/message.ts';
import { parseTunnelPath } from '../http/wire/tunnel-path.ts';
import { acceptOf, protocol, subprotocol, version } from './handshake.ts';
import { webSocketLink } from './link.ts';

/**
 * Recognises a request for a tunnel by WebSocket (RFC 6455, section 4.2.1), which has a path and never a URL; over HTTP/2
 * it is an extended CONNECT (RFC 8441), which reads as that request. Pages of browsers are refused.
 * @throws {TunlError} http_request_error or http_request_denied
 */
export function claimWebSocket(exchange: TunnelExchange, { pathPrefix }: ClaimTerms): TunnelRequest | undefined {
  const { method, headers } = exchange;
  const isHttp2 = exchange.version === '2';
  const isUpgrade =
    listTokens(headers, 'upgrade').includes(protocol) && listTokens(headers, 'connection').includes('upgrade');
  // Without it, over HTTP/2, it may be a plain request to another host.
  if (method !== 'GET' || (isHttp2 && !isUpgrade)) return undefined;
  const target = parseTunnelPath(exchange.target, pathPrefix);
  if (!target) return undefined;
  if (exchange.version === '1.0') throw requestError('a WebSocket needs HTTP/1.1');
  if (!isUpgrade) throw requestError('this path is for WebSockets');
  assertNoOrigin(exchange);
  if (fieldValues(headers, 'sec-websocket-version').join() !== version) {
    throw requestError('the version of WebSocket is not 13', { headers: [['Sec-WebSocket-Version', version]] });
  }
  const proof = isHttp2 ? [] : [readProof(headers)];
  if (!listTokens(headers, 'sec-websocket-protocol').includes(subprotocol)) {
    throw requestError(`the subprotocol ${subprotocol} is not offered`);
  }
  return toTunnelRequest(exchange, {
    ...originTerms,
    target,
    accept: (fields) => {
      const answer = [...fields, ...proof, ['Sec-WebSocket-Protocol', subprotocol] as const];
      return webSocketLink(exchange.upgrade(101, answer), 'server');
    },
  });
}

/** Returns the field that answers the key. */
function readProof(headers: readonly HeaderField[]): HeaderField {
  const [key = '', ...more] = fieldValues(headers, 'sec-websocket-key');
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key) || more.length > 0) throw requestError('there is no valid key');
  return ['Sec-WebSocket-Accept', acceptOf(key)];
}
