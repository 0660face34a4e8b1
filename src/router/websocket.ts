import { createHash, randomBytes } from 'node:crypto';
import type { HeaderField } from '../core/hop.ts';
import { fieldValues } from '../http/wire/message.ts';

/** The fixed text in the hash of a key (RFC 6455, section 1.3). */
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Translates the opening of a WebSocket between versions of HTTP. Over HTTP/1.1 a key and its hash prove that both sides
 * want a WebSocket; over HTTP/2 the protocol is named and there are no keys (RFC 8441, section 5).
 */
export interface KeyChange {
  /** Makes the fields of the request that the upstream expects. */
  readonly request: (fields: readonly HeaderField[]) => HeaderField[];
  /** Makes the fields of the answer that the client expects. */
  readonly reply: (fields: readonly HeaderField[]) => HeaderField[];
}

/** The change for a client over HTTP/2 and an upstream over HTTP/1.1. */
export const makeKey: KeyChange = {
  request: (fields) => [
    ...drop(fields, 'sec-websocket-key'),
    ['sec-websocket-key', randomBytes(16).toString('base64')],
  ],
  reply: (fields) => drop(fields, 'sec-websocket-accept'),
};

/** Makes the change for a client over HTTP/1.1 with these fields and an upstream over HTTP/2. */
export function answerKey(client: readonly HeaderField[]): KeyChange {
  const [key] = fieldValues(client, 'sec-websocket-key');
  return {
    request: (fields) => drop(fields, 'sec-websocket-key'),
    reply: (fields) => (key === undefined ? [...fields] : [...fields, ['sec-websocket-accept', acceptFor(key)]]),
  };
}

/** Hashes a key for the answer (RFC 6455, section 4.2.2). */
function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + acceptSalt)
    .digest('base64');
}

function drop(fields: readonly HeaderField[], name: string): HeaderField[] {
  return fields.filter(([field]) => field !== name);
}
