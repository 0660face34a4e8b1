/** One element of DER (X.690, section 8.1), and what stands behind it. */
export interface DerElement {
  readonly tag: number;
  readonly body: Buffer;
  readonly rest: Buffer;
}

/** Tags that tokens have. */
export const derTag = { octets: 0x04, oid: 0x06, enumerated: 0x0a, sequence: 0x30, part: 0xa0 } as const;

/** Reads the first element, whose length has to be definite and fit. Its tag is one byte; undefined for anything else. */
export function readDer(bytes: Buffer): DerElement | undefined {
  const [tag, length] = bytes;
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const more = length < 0x80 ? 0 : length & 0x7f;
  if (length === 0x80 || more > 4 || bytes.length < 2 + more) return undefined;
  const size = more === 0 ? length : bytes.readUIntBE(2, more);
  const start = 2 + more;
  if (size > bytes.length - start) return undefined;
  return { tag, body: bytes.subarray(start, start + size), rest: bytes.subarray(start + size) };
}

/** Returns the contents of the first element, if it has this tag. */
export function unwrapDer(bytes: Buffer | undefined, tag: number): Buffer | undefined {
  const element = bytes && readDer(bytes);
  return element?.tag === tag ? element.body : undefined;
}

/** Reads the elements of a sequence by their tags; of equal tags the last counts. */
export function readDerParts(bytes: Buffer | undefined): ReadonlyMap<number, Buffer> {
  const parts = new Map<number, Buffer>();
  let rest = unwrapDer(bytes, derTag.sequence);
  while (rest && rest.length > 0) {
    const part = readDer(rest);
    if (!part) break;
    parts.set(part.tag, part.body);
    rest = part.rest;
  }
  return parts;
}
