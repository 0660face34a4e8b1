import { formatHostPort, type TcpAddress } from '../../core/address.ts';
import { requestError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import { parseAuthorityOr } from '../../syntax/authority.ts';
import { assertTranslatable } from '../h2/validity.ts';
import { fieldValues } from '../wire/message.ts';
import { readPlace, type RequestPlace } from '../wire/request-target.ts';
import { type Login, proxyTerms, readCredentials } from './tunnel-request.ts';

/** A request that a client sends to a proxy so that the proxy forwards it, and no tunnel. */
export interface PlainRequest extends Login {
  readonly target: TcpAddress;
  /** The path and the query, and the host as it is sent to the target: written from the target, whatever `Host` says. */
  readonly place: RequestPlace;
  /** The values of `Via`. */
  readonly via: readonly string[];
}

/** The only port that `Host` leaves out (RFC 9110, section 4.2.1). */
const httpPort = 80;

/**
 * Recognises a plain request: one in absolute form over HTTP/1.1 (RFC 9112, section 3.2.2), or any but CONNECT over
 * HTTP/2, which has no other form. The target comes from the request line alone, so a request in origin form is none
 * whatever its `Host` says. The exchange must have its target as it was sent.
 * @throws {TunlError} http_request_error, if the request is plain but must not be forwarded: with 501 for a scheme other
 * than http, otherwise because another recipient could read it in another way
 */
export function claimPlain(exchange: Exchange): PlainRequest | undefined {
  const { method, sentScheme, headers } = exchange;
  if (method === 'CONNECT' || sentScheme === undefined) return undefined;
  if (sentScheme !== 'http') throw requestError(`${sentScheme}: is not forwarded here, only http:`, { status: 501 });
  if (exchange.version === '2' && exchange.upgradeTo !== undefined) {
    throw requestError(`a change to ${exchange.upgradeTo} is not forwarded over HTTP/2`, { status: 501 });
  }
  // Recipients that ignore the case would take it for a request for a tunnel.
  if (/^connect$/i.test(method)) throw requestError('the method is not valid');
  const { target: path, authority } = readAsPlace(exchange);
  // Reading the length proves that the body has one framing only, before anything is dialled.
  void exchange.isBodiless;
  const target = parseAuthorityOr(authority, httpPort);
  assertMayTravel(exchange);
  return {
    ...readCredentials(exchange, proxyTerms.credentialsField),
    challenge: proxyTerms.challenge,
    target,
    place: { target: path, authority: formatHostPort(target.host, target.port, httpPort) },
    via: fieldValues(headers, 'via'),
  };
}

function readAsPlace(exchange: Exchange): RequestPlace {
  const { method, target, authority, headers, version } = exchange;
  if (version === '2') {
    assertTranslatable(exchange);
    return { target, authority };
  }
  const place = readPlace({ method, target, headers, version });
  // RFC 9112, section 3.2.4: the last proxy asks the server as a whole.
  return method === 'OPTIONS' && /^[^:]+:\/\/[^/?]*$/.test(target) ? { ...place, target: '*' } : place;
}

/** Refuses a request that may not be forwarded any further (RFC 9110, section 7.6.2). */
function assertMayTravel({ method, headers }: Exchange): void {
  const [left] = fieldValues(headers, 'max-forwards');
  if (left === '0' && (method === 'TRACE' || method === 'OPTIONS')) {
    throw requestError(`${method} ends here, and this proxy does not answer it`, { status: 405 });
  }
}
