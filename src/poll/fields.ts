import { createHmac, type Hmac } from 'node:crypto';
import type { HeaderField } from '../core/hop.ts';
import type { CarriedStream } from '../core/link.ts';
import type { End } from '../resume/terms.ts';
import { isId, parseCount, readParams } from '../resume/fields.ts';
import { isSameProof } from '../resume/keys.ts';

/** The name of the field in which each request of a transport says what it is, and each answer that it is ours. */
const fieldName = 'Tunl-Poll';

/** The most bytes of one body. Front ends often take no more than a mebibyte. */
export const maxBodyBytes = 1024 * 1024;

/** The longest that the far end keeps a request waiting for bytes, in milliseconds. */
export const maxWaitMs = 30_000;

/** A request that carries bytes to the far end (`up`), or that asks for bytes (`down`). */
export interface Transfer {
  readonly kind: 'up' | 'down';
  /** The stream, and the number of its transport. */
  readonly id: string;
  readonly count: number;
  /** The number of the body, which counts from 1 in each direction. */
  readonly number: number;
  /** The most bytes that the answer may have; 0 for `up`. */
  readonly most: number;
  /** The time, in milliseconds, that the far end may wait for bytes; 0 for `up`. */
  readonly wait: number;
}

/** A request, and its proof as it came. */
export interface ProvenTransfer extends Transfer {
  readonly proof: string;
}

/** The proof of a request (`near`) or of its answer (`far`), computed while its body comes: HMAC-SHA256, base64url. */
export class Proof {
  readonly #hmac: Hmac;

  constructor(key: CarriedStream['key'], end: End, { kind, id, count, number, most, wait }: Transfer) {
    const lines = ['poll', end, kind, id, count, number, most, wait];
    this.#hmac = createHmac('sha256', key).update(`${lines.join('\n')}\n`);
  }

  /** Takes the next part of the body. */
  add(part: Buffer): void {
    this.#hmac.update(part);
  }

  /** Returns the proof of the whole; nothing can be added any more. */
  finish(): string {
    return this.#hmac.digest('base64url');
  }

  /** True if `proof` is that of the whole; nothing can be added any more. */
  isSame(proof: string): boolean {
    return isSameProof(proof, this.finish());
  }
}

function prove(key: CarriedStream['key'], end: End, transfer: Transfer, body: readonly Buffer[]): string {
  const proof = new Proof(key, end, transfer);
  for (const part of body) proof.add(part);
  return proof.finish();
}

/** Writes the field of a request. */
export function writeRequest(key: CarriedStream['key'], transfer: Transfer, body: readonly Buffer[]): HeaderField {
  const { kind, id, count, number, most, wait } = transfer;
  const asked = kind === 'down' ? `; most=${most}; wait=${wait}` : '';
  const proof = prove(key, 'near', transfer, body);
  return [fieldName, `${kind}; id=${id}; count=${count}; number=${number}${asked}; proof=${proof}`];
}

/** Writes the field of the answer to a request. */
export function writeAnswer(key: CarriedStream['key'], transfer: Transfer, body: readonly Buffer[]): HeaderField {
  return [fieldName, `done; proof=${prove(key, 'far', transfer, body)}`];
}

/** Reads the field of a request; `undefined` if there is none that can be understood. */
export function readRequest(headers: readonly HeaderField[]): ProvenTransfer | undefined {
  const params = readParams(headers, fieldName);
  if (!params || params === 'broken') return undefined;
  const { kind, text } = params;
  const [id, proof, count, number] = [text('id'), text('proof'), parseCount(text('count')), parseCount(text('number'))];
  const isDown = kind === 'down';
  const [most, wait] = isDown ? [parseCount(text('most')), parseCount(text('wait'))] : [0, 0];
  if ((kind !== 'up' && !isDown) || !isId(id) || !/^[\w-]{43}$/.test(proof)) return undefined;
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(number) || number < 1) return undefined;
  if (!Number.isSafeInteger(most + wait) || (isDown && most < 1)) return undefined;
  return { kind, id, count, number, most, wait, proof };
}

/** Reads the proof in the field of an answer; `undefined` if the answer is none of ours. */
export function readAnswer(headers: readonly HeaderField[]): string | undefined {
  const params = readParams(headers, fieldName);
  return params && params !== 'broken' && params.kind === 'done' ? params.text('proof') : undefined;
}
