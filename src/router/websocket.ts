import { createHash, randomBytes } from 'node:crypto';
import type { HeaderField } from '../core/hop.ts';
import { fieldValues } from '../http/message.ts';

/** RFC 6455, section 1.3. */
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * A WebSocket proves over HTTP/1.1 that both sides mean it, by a key and what follows from it; over HTTP/2 the
 * protocol is named and there are no keys (RFC 8441, section 5). Who stands between the two says what the other side expects.
 */
export interface KeyChange {
  /** The fields of the request as the upstream expects them. */
  readonly request: (fields: readonly HeaderField[]) => HeaderField[];
  /** The fields of the answer as the client expects them. */
  readonly reply: (fields: readonly HeaderField[]) => HeaderField[];
}

/** For a client over HTTP/2 and an upstream over HTTP/1.1. */
export const makeKey: KeyChange = {
  request: (fields) => [
    ...drop(fields, 'sec-websocket-key'),
    ['sec-websocket-key', randomBytes(16).toString('base64')],
  ],
  reply: (fields) => drop(fields, 'sec-websocket-accept'),
};

/** For a client over HTTP/1.1 with these fields and an upstream over HTTP/2. */
export function answerKey(client: readonly HeaderField[]): KeyChange {
  const [key] = fieldValues(client, 'sec-websocket-key');
  return {
    request: (fields) => drop(fields, 'sec-websocket-key'),
    reply: (fields) => (key === undefined ? [...fields] : [...fields, ['sec-websocket-accept', acceptFor(key)]]),
  };
}

/** RFC 6455, section 4.2.2. */
function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + acceptSalt)
    .digest('base64');
}

function drop(fields: readonly HeaderField[], name: string): HeaderField[] {
  return fields.filter(([field]) => field !== name);
}
