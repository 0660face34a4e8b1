import type { Exchange } from '../core/exchange.ts';
import type { PauseCount } from '../core/flow.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Call, CallBody, Reply } from '../http/call.ts';
import { isSafeField } from '../http/wire/message.ts';
import { keepEndToEnd, keepTrailers } from './connection-fields.ts';
import type { ForwarderOptions, ForwardTerms, PlainTerms } from './forwarder.ts';
import { toPlainFields, toPlainInterimFields, toPlainReplyFields } from './plain-fields.ts';
import { toReplyFields } from './reply-fields.ts';
import { passComplete, type PassOn, toRequestFields } from './request-fields.ts';
import { answerKey, type KeyChange, makeKey } from './websocket.ts';

/** A client's request as it is sent to the upstream, with the conversion of its answer. */
export interface PassedCall extends Call {
  /** Makes the fields of the answer for the client. */
  readonly toAnswerFields: (reply: AnswerHead) => HeaderField[];
  /** Makes the fields of an answer that accepted a switch or a CONNECT. */
  readonly toOpenFields: (reply: AnswerHead) => HeaderField[];
}

/** The head of an upstream's answer. */
type AnswerHead = Pick<Reply, 'status' | 'headers'>;

/** The protocol to which a request wants to switch, in lower case; `connect` for CONNECT, undefined for none. */
export function wantedSwitch({ method, upgradeTo }: Exchange): string | undefined {
  return upgradeTo ?? (method === 'CONNECT' ? 'connect' : undefined);
}

/**
 * Makes the request to the upstream from a client's request. An upgrade is written for the upstream's version of HTTP
 * (RFC 8441).
 * @param pauses counts the pauses of the body
 * @throws {TunlError} http_request_error
 */
export function toCall(
  request: Exchange,
  { timeoutMs, keptBack, plain, rewritten = request, changeAnswer }: ForwardTerms,
  version: ForwarderOptions['version'],
  pauses?: PauseCount,
): PassedCall {
  if (plain) return toPlainCall(request, plain, pauses);
  const { method, scheme, upgradeTo } = request;
  const { target, authority, headers, isComplete = false } = rewritten;
  const passOn: PassOn = {
    version,
    timeoutMs,
    ...(upgradeTo !== undefined && { upgradeTo }),
    ...(keptBack !== undefined && { keptBack }),
  };
  const toAnswerFields = ({ status, headers: fields }: AnswerHead) =>
    toReplyFields(fields, changeAnswer && ((kept) => changeAnswer(kept, status)));
  const keys = upgradeTo === 'websocket' ? findKeyChange(request, version) : undefined;
  const fields = (isComplete ? passComplete : toRequestFields)(request, headers, passOn);
  return {
    method,
    target,
    authority: method === 'CONNECT' ? target : authority,
    scheme,
    headers: keys ? keys.request(fields) : fields,
    ...findOpening(request),
    ...(hasBody(request) && { body: toCallBody(request, pauses) }),
    onInterim: (status, headers) => request.inform(status, keepEndToEnd(headers).filter(isSafeField)),
    toAnswerFields,
    toOpenFields: (reply) => {
      const kept = toAnswerFields(reply).filter(([name]) => name !== 'content-length');
      return keys ? keys.reply(kept) : kept;
    },
  };
}

/** Makes the request as a proxy sends it, over HTTP/1.1. */
function toPlainCall(request: Exchange, { place, pseudonym }: PlainTerms, pauses?: PauseCount): PassedCall {
  const toAnswerFields = ({ headers }: AnswerHead) => toPlainReplyFields(headers, pseudonym);
  return {
    method: request.method,
    ...place,
    scheme: 'http',
    headers: toPlainFields(request, pseudonym),
    ...findOpening(request),
    ...(hasBody(request) && { body: toCallBody(request, pauses) }),
    onInterim: (status, headers) => request.inform(status, toPlainInterimFields(headers)),
    toAnswerFields,
    toOpenFields: (reply) => toAnswerFields(reply).filter(([name]) => name !== 'content-length'),
  };
}

function findOpening({ method, upgradeTo }: Exchange): Pick<Call, 'opens'> {
  if (upgradeTo !== undefined) return { opens: { kind: 'upgrade', protocol: upgradeTo } };
  return method === 'CONNECT' ? { opens: { kind: 'connect' } } : {};
}

/** True for a request with a body; bytes after a request that switches protocols are not one. */
function hasBody(request: Exchange): boolean {
  return !request.isBodiless && wantedSwitch(request) === undefined;
}

function toCallBody(request: Exchange, pauses: PauseCount | undefined): CallBody {
  return {
    source: request.body,
    bytes: request.contentLength,
    trailers: () => keepTrailers(request.trailers()),
    isTaken: false,
    pauses,
  };
}

function findKeyChange(request: Exchange, version: ForwarderOptions['version']): KeyChange | undefined {
  if (request.version === '2') return version === 'http1' ? makeKey : undefined;
  return version === 'http2' ? answerKey(request.headers) : undefined;
}
