import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { HeaderField } from '../../../core/hop.ts';

/** A listener to headers of a stream. The types of Node do not have its third argument: the fields as they came. */
export type OnHeaders = (headers: IncomingHttpHeaders, flags: number, raw: readonly string[]) => void;

/** The fields one by one as they came: what Node makes of them hides those that came twice. */
export function toFields(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    if (!name.startsWith(':')) fields.push([name, value]);
  }
  return fields;
}

/** Fields that HTTP/2 forbids (RFC 9113, section 8.2.2) are left out. */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** The head of an answer in the form that Node's HTTP/2 takes. */
export function toHttp2Headers(status: number, fields: readonly HeaderField[]): OutgoingHttpHeaders {
  return addFields({ ':status': status }, fields);
}

/** The trailers of an answer in the form that Node's HTTP/2 takes. */
export function toHttp2Trailers(fields: readonly HeaderField[]): OutgoingHttpHeaders {
  return addFields({}, fields);
}

/** The head of a request in that form, behind its pseudo-fields. */
export function addFields(headers: OutgoingHttpHeaders, fields: readonly HeaderField[]): OutgoingHttpHeaders {
  for (const [field, value] of fields) {
    const name = field.toLowerCase();
    if (connectionFields.has(name)) continue;
    const known = headers[name];
    headers[name] = known === undefined ? value : [known as string | string[], value].flat();
  }
  return headers;
}
