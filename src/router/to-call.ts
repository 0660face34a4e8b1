import type { Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Call, CallBody } from '../http/call.ts';
import { isSafeField } from '../http/message.ts';
import { keepEndToEnd, keepTrailers } from './connection-fields.ts';
import type { ForwarderOptions, ForwardTerms } from './forwarder.ts';
import { toReplyFields } from './reply-fields.ts';
import { type PassOn, toRequestFields } from './request-fields.ts';
import { answerKey, type KeyChange, makeKey } from './websocket.ts';

/** A request as it goes on, and how its answer comes back. */
export interface PassedCall extends Call {
  /** The fields of an answer that opened what was asked for. */
  readonly toOpenFields: (headers: readonly HeaderField[]) => HeaderField[];
}

/** What a request wants to switch to: `connect` for CONNECT, a protocol in lower case, or nothing. */
export function wantedSwitch({ method, upgradeTo }: Exchange): string | undefined {
  return upgradeTo ?? (method === 'CONNECT' ? 'connect' : undefined);
}

/**
 * The request that is sent for a client's request. An upgrade goes on as the upstream's version of HTTP knows it (RFC 8441).
 * @throws {TunlError} http_request_error
 */
export function toCall(
  request: Exchange,
  { timeoutMs }: ForwardTerms,
  version: ForwarderOptions['version'],
): PassedCall {
  const { method, target, authority, scheme, upgradeTo } = request;
  const passOn: PassOn = { version, timeoutMs, ...(upgradeTo !== undefined && { upgradeTo }) };
  const keys = upgradeTo === 'websocket' ? findKeyChange(request, version) : undefined;
  const fields = toRequestFields(request, passOn);
  return {
    method,
    target,
    authority: method === 'CONNECT' ? target : authority,
    scheme,
    headers: keys ? keys.request(fields) : fields,
    ...findOpening(request),
    ...(hasBody(request) && { body: toCallBody(request) }),
    onInterim: (status, headers) => request.inform(status, keepEndToEnd(headers).filter(isSafeField)),
    toOpenFields: (headers) => {
      const kept = toReplyFields(headers).filter(([name]) => name !== 'content-length');
      return keys ? keys.reply(kept) : kept;
    },
  };
}

function findOpening({ method, upgradeTo }: Exchange): Pick<Call, 'opens'> {
  if (upgradeTo !== undefined) return { opens: { kind: 'upgrade', protocol: upgradeTo } };
  return method === 'CONNECT' ? { opens: { kind: 'connect' } } : {};
}

/** What comes after a request that switches is no body. */
function hasBody(request: Exchange): boolean {
  return !request.isBodiless && wantedSwitch(request) === undefined;
}

function toCallBody(request: Exchange): CallBody {
  return {
    source: request.body,
    bytes: request.contentLength,
    trailers: () => keepTrailers(request.trailers()),
    isTaken: false,
  };
}

function findKeyChange(request: Exchange, version: ForwarderOptions['version']): KeyChange | undefined {
  if (request.version === '2') return version === 'http1' ? makeKey : undefined;
  return version === 'http2' ? answerKey(request.headers) : undefined;
}
