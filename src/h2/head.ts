import type { HeaderField } from '../core/hop.ts';
import { keptBytes } from './hpack/decoder.ts';

/** Pseudo-fields of a request (RFC 9113, section 8.3.1), with the protocol of an extended CONNECT (RFC 8441, section 4). */
export interface RequestPseudoFields {
  readonly method: string;
  readonly authority: string;
  /** Absent in a plain CONNECT, as is the path. */
  readonly scheme?: string;
  readonly path?: string;
  readonly protocol?: string;
}

/** The head of a request that came. */
export interface RequestHead {
  readonly pseudo: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  /** The content-length, if there is one. */
  readonly bodyBytes: number | undefined;
}

/** The head of an answer that came. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: readonly HeaderField[];
  readonly bodyBytes: number | undefined;
}

/** Fields of one connection (RFC 9113, section 8.2.2). */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** RFC 9113, section 8.2.1, and what RFC 9110, section 5.1 calls a name, without upper case. */
const namePattern = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const badValue = /[\0\r\n]|^[ \t]|[ \t]$/;
/** RFC 3986, section 3.2, wide enough for whatever the reader of the authority refuses with a better answer. */
const authorityPattern = /^[-._~!$&'()*+,;=:@[\]%0-9A-Za-z]*$/;
const lengthPattern = /^\d{1,15}$/;

/** Reads heads. The decoder returns the same list for the same short block, which need not be read twice in a row. */
export class HeadReader<T> {
  readonly #read: (all: readonly HeaderField[]) => T | undefined;
  #all: readonly HeaderField[] | undefined;
  #head: T | undefined;

  constructor(read: (all: readonly HeaderField[]) => T | undefined) {
    this.#read = read;
  }

  /**
   * Returns what the fields say; `undefined` if they are malformed.
   * @param blockBytes the size of their block: what will not come again is not kept
   */
  read(all: readonly HeaderField[], blockBytes: number): T | undefined {
    if (all === this.#all) return this.#head;
    const head = this.#read(all);
    const isKept = blockBytes <= keptBytes;
    this.#all = isKept ? all : undefined;
    this.#head = isKept ? head : undefined;
    return head;
  }
}

/** Reads the head of a request strictly. Returns `undefined` for one that is malformed (RFC 9113, section 8.1.1). */
export function readRequest(all: readonly HeaderField[], takesProtocols: boolean): RequestHead | undefined {
  const pseudo: Record<string, string> = {};
  const fields: HeaderField[] = [];
  for (const field of all) {
    const [name, value] = field;
    if (!name.startsWith(':')) fields.push(field);
    else if (fields.length > 0 || name in pseudo || badValue.test(value)) return undefined;
    else pseudo[name] = value;
  }
  const {
    ':method': method,
    ':scheme': scheme,
    ':authority': authority,
    ':path': path,
    ':protocol': protocol,
  } = pseudo;
  const known = [method, scheme, authority, path, protocol].filter((value) => value !== undefined);
  if (!method || known.length !== Object.keys(pseudo).length || !areStrict(fields)) return undefined;
  if (authority !== undefined && !authorityPattern.test(authority)) return undefined;
  if (protocol !== undefined && (method !== 'CONNECT' || !takesProtocols)) return undefined;
  const isTunnel = method === 'CONNECT' && protocol === undefined;
  if (isTunnel ? !authority || scheme !== undefined || path !== undefined : !scheme || !path) return undefined;
  const bodyBytes = readLength(fields);
  if (bodyBytes === 'malformed') return undefined;
  return {
    pseudo: {
      method,
      authority: authority ?? fields.find(([name]) => name === 'host')?.[1] ?? '',
      ...(scheme !== undefined && { scheme }),
      ...(path !== undefined && { path }),
      ...(protocol !== undefined && { protocol }),
    },
    fields,
    bodyBytes,
  };
}

/** Reads the head of an answer. What only belongs to a connection is left out; what cannot be told apart is malformed. */
export function readResponse(all: readonly HeaderField[]): ResponseHead | undefined {
  const [first, ...rest] = all;
  if (first?.[0] !== ':status' || !/^[1-9]\d\d$/.test(first[1])) return undefined;
  const fields = rest.filter(([name]) => !connectionFields.has(name));
  if (!fields.every(isWellFormed)) return undefined;
  const bodyBytes = readLength(fields);
  return bodyBytes === 'malformed' ? undefined : { status: Number(first[1]), fields, bodyBytes };
}

/** Reads trailers; `undefined` for malformed ones (RFC 9113, section 8.1). A server reads them strictly. */
export function readTrailers(all: readonly HeaderField[], isStrict: boolean): readonly HeaderField[] | undefined {
  const fields = isStrict ? all : all.filter(([name]) => !connectionFields.has(name));
  return (isStrict ? areStrict(fields) : fields.every(isWellFormed)) ? fields : undefined;
}

/**
 * The fields that HTTP/2 takes: names in lower case, without those of the connection. Pseudo-fields stand before them.
 */
export function toFields(pseudo: readonly HeaderField[], all: readonly HeaderField[]): HeaderField[] {
  const fields = [...pseudo];
  for (const [name, value] of all) {
    const lower = name.toLowerCase();
    if (!connectionFields.has(lower)) fields.push(lower === name ? [name, value] : [lower, value]);
  }
  return fields;
}

/** The pseudo-fields of a request in their order. */
export function listPseudoFields({ method, authority, scheme, path, protocol }: RequestPseudoFields): HeaderField[] {
  const fields: HeaderField[] = [[':method', method]];
  if (protocol !== undefined) fields.push([':protocol', protocol]);
  if (scheme !== undefined) fields.push([':scheme', scheme]);
  fields.push([':authority', authority]);
  if (path !== undefined) fields.push([':path', path]);
  return fields;
}

function areStrict(fields: readonly HeaderField[]): boolean {
  return fields.every((field) => {
    const [name, value] = field;
    return isWellFormed(field) && !connectionFields.has(name) && (name !== 'te' || value.toLowerCase() === 'trailers');
  });
}

function isWellFormed([name, value]: HeaderField): boolean {
  return namePattern.test(name) && !badValue.test(value);
}

/** RFC 9110, section 8.6: a list of lengths is a fault, also where they agree. */
function readLength(fields: readonly HeaderField[]): number | 'malformed' | undefined {
  let length: string | undefined;
  for (const [name, value] of fields) {
    if (name !== 'content-length') continue;
    if (length !== undefined || !lengthPattern.test(value)) return 'malformed';
    length = value;
  }
  return length === undefined ? undefined : Number(length);
}
