import type { HeaderField } from '../core/hop.ts';
import type { Claim } from './keys.ts';
import type { Offsets } from './terms.ts';

/** The name of the field in which both ends talk about a stream. */
const fieldName = 'Tunl-Resume';

/** The first request for a stream. */
export interface OpenRequest {
  readonly kind: 'open';
  /** The public key of the near end. */
  readonly key: string;
  /** The time, in seconds, that the near end will look for another transport; 0 if it will not. */
  readonly hold: number;
}

/** The answer to the first request. */
export interface OpenAnswer {
  readonly kind: 'opened';
  readonly id: string;
  readonly key: string;
  /** The time, in seconds, that the far end waits for another transport; 0 if it will not. */
  readonly hold: number;
}

/** A request that brings another transport. */
export interface AttachRequest extends Claim {
  readonly kind: 'attach';
  readonly proof: string;
}

/** The answer to a request that brings another transport. */
export interface AttachAnswer {
  readonly kind: 'attached';
  readonly offsets: Offsets;
  readonly proof: string;
}

/** The refusal of a request for a session: it comes from the far end itself, and from no front end before it. */
export interface Refusal {
  readonly kind: 'refused';
}

/** What a field can say. */
export type Message = OpenRequest | OpenAnswer | AttachRequest | AttachAnswer | Refusal;

/** Writes a message as a field: `Tunl-Resume: open; key=…; hold=600`. */
export function writeField(message: Message): HeaderField {
  const { kind, ...rest } = message;
  const { offsets, ...plain } = 'offsets' in rest ? rest : { ...rest, offsets: undefined };
  const params = Object.entries({ ...plain, ...offsets }).map(([name, value]) => `; ${name}=${value}`);
  return [fieldName, kind + params.join('')];
}

/** Reads the field of a message head; `undefined` without one, `broken` if it cannot be understood. */
export function readField(headers: readonly HeaderField[]): Message | 'broken' | undefined {
  const params = readParams(headers, fieldName);
  return params && params !== 'broken' ? (toMessage(params) ?? 'broken') : params;
}

/** A kind, and its parameters by name; one that is absent has an empty value. */
interface Params {
  readonly kind: string;
  readonly text: (name: string) => string;
}

/** Reads a field of the form `KIND; name=value; …`; `broken` if it has another form, or there are several. */
export function readParams(headers: readonly HeaderField[], name: string): Params | 'broken' | undefined {
  const [field, ...more] = headers.filter((given) => given[0].toLowerCase() === name.toLowerCase());
  if (!field) return undefined;
  return more.length > 0 ? 'broken' : (parseParams(field[1]) ?? 'broken');
}

const maxLength = 512;

function parseParams(value: string): Params | undefined {
  if (value.length > maxLength) return undefined;
  const [kind = '', ...params] = value.split(';').map((part) => part.trim());
  const given = new Map<string, string>();
  for (const param of params) {
    const [, name, text] = /^([a-z]+)=([\w-]+)$/.exec(param) ?? [];
    if (name === undefined || text === undefined || given.has(name)) return undefined;
    given.set(name, text);
  }
  return { kind, text: (name) => given.get(name) ?? '' };
}

/** Reads a number that can be counted; NaN for anything else. */
export function parseCount(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
}

function toMessage({ kind, text }: Params): Message | undefined {
  const number = (name: string) => parseCount(text(name));
  const [id, key, proof, hold, count] = [text('id'), text('key'), text('proof'), number('hold'), number('count')];
  const offsets = { sent: number('sent'), received: number('received') };
  const hasKey = /^[\w-]{43}$/.test(key) && hold >= 0;
  const hasProof = /^[\w-]{43}$/.test(proof) && Number.isSafeInteger(offsets.sent + offsets.received);
  if (kind === 'open' && hasKey) return { kind, key, hold };
  if (kind === 'opened' && hasKey && isId(id)) return { kind, id, key, hold };
  if (kind === 'attach' && hasProof && isId(id) && count > 0) return { kind, id, count, offsets, proof };
  if (kind === 'attached' && hasProof) return { kind, offsets, proof };
  if (kind === 'refused') return { kind };
  return undefined;
}

/** True for what may be the id of a stream. */
export function isId(id: string): boolean {
  return /^[\w-]{22}$/.test(id);
}
