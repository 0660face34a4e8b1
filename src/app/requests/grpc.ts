import type { HeaderField } from '../../core/hop.ts';
import { fieldValues } from '../../http/wire/message.ts';
import type { OwnAnswer } from './reason.ts';

/** The codes of gRPC for statuses of HTTP, as its own table for answers without a code has them; any other is UNKNOWN. */
const codes: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const unknownCode = 2;

/** True for the fields of a call of gRPC. */
export function isGrpc(headers: readonly HeaderField[]): boolean {
  return fieldValues(headers, 'content-type').some((value) => /^application\/grpc(?:$|\+)/.test(value));
}

/**
 * Makes the answer that a client of gRPC understands: its status is 200, and the real one and the text stand in fields.
 * @param text what the client is told
 */
export function toGrpcAnswer({ status, fields }: OwnAnswer, text: string, isHead: boolean): OwnAnswer {
  // A line of JSON ends, and a field does not.
  const isJson = fields.some(([name, value]) => /^content-type$/i.test(name) && value === 'application/json');
  const told = isJson ? text.replace(/\n$/, '') : text;
  const kept = fields.filter(([name]) => !/^content-(?:type|length)$/i.test(name));
  const [said = ''] = fieldValues(kept, 'grpc-status');
  const code: HeaderField[] = said === '' ? [['grpc-status', String(codes[status] ?? unknownCode)]] : [];
  const message: HeaderField[] = told === '' || isHead ? [] : [['grpc-message', encodeMessage(told)]];
  return { status: 200, fields: [...kept, ['content-type', 'application/grpc'], ...code, ...message], body: '' };
}

/** Writes a text as `grpc-message` wants it: bytes that are not printable ASCII, and the percent sign, as `%XX`. */
function encodeMessage(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
}
