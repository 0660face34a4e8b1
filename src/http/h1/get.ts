import { abortReason } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { type Link, resetError } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import type { Call } from '../call.ts';
import { answerPrefix, maxHeadBytes, readProxyAnswer } from '../wire/proxy-answer.ts';
import { askHttp1 } from './ask.ts';
import { type Http1Peer, readReplyFraming } from './peer.ts';

/** A small resource of a web server that we read ourselves. */
export interface GetRequest extends Pick<Call, 'target' | 'authority' | 'scheme' | 'headers'> {
  /** The most bytes of a body that are read. */
  readonly maxBytes: number;
}

/** The whole answer to such a request. */
export interface GetReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly HeaderField[];
  readonly body: Buffer;
}

/**
 * Makes one GET on a fresh connection, and reads the whole answer as tolerantly as that of a proxy, because it goes no
 * further. The connection is closed afterwards, whatever comes of it.
 * @throws {TunlError} of side `hop`, also for a body that is too large or cut short; the signal's reason
 */
export async function getWhole(link: Link, request: GetRequest, signal: AbortSignal): Promise<GetReply> {
  const { maxBytes, ...rest } = request;
  const peer: Http1Peer = {
    name: request.authority,
    side: 'hop',
    phase: 'handshake',
    version: '1.1',
    maxHeadBytes,
    readHead: readProxyAnswer,
    isHeadStart: (received) => answerPrefix.startsWith(received.toString('latin1', 0, answerPrefix.length)),
    describeForeign: () => ({ words: 'does not answer in HTTP/1.1', hints: [] }),
  };
  try {
    const call: Call = { method: 'GET', ...rest, headers: [...rest.headers, ['connection', 'close']] };
    const { status, headers, isCut = false } = await askHttp1(link, peer, call, signal);
    const isEmpty = isCut || status === 204 || status === 304;
    const body = isEmpty ? Buffer.alloc(0) : await readBody(link, headers, peer, maxBytes, signal);
    link.stream.destroy();
    return { status, headers, body };
  } catch (error) {
    link.reset(resetError('the answer is not wanted any more'));
    throw error;
  }
}

function readBody(
  { stream }: Link,
  headers: readonly HeaderField[],
  peer: Http1Peer,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const { name, side, phase } = peer;
  const reader = new BodyReader(
    stream,
    readReplyFraming(headers, peer),
    (fault, cause) => new TunlError('http_response_incomplete', `${name}: ${fault}`, { side, phase, cause }),
  );
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = () => settle(() => reject(abortReason(signal)));
    if (reader.isOver) return resolve(Buffer.alloc(0));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    reader.resume({
      onPart(part) {
        size += part.length;
        if (size <= maxBytes) parts.push(part);
        else settle(() => reject(new TunlError('http_protocol_error', `${name} sends too much`, { side, phase })));
        return size <= maxBytes;
      },
      onEnd: () => settle(() => resolve(Buffer.concat(parts))),
      onError: (error) => settle(() => reject(error)),
    });
  });
}
