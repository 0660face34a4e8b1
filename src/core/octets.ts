// Well-formed UTF-8 (RFC 3629, section 4), as latin1 characters.
const wellFormed =
  /[\0-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/g;

/** A lone surrogate that stands for one byte; the flag `u` skips surrogates that are half of a character. */
const keptByte = /([\udc80-\udcff])/u;
const keptByteBase = 0xdc00;

/**
 * Reads bytes as UTF-8 without losing any: a byte that is not part of a character becomes the lone surrogate
 * U+DC00 + byte, which no text contains. Users write passwords as text, but servers compare them as bytes.
 */
export function decodeOctets(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  const latin1 = bytes.toString('latin1');
  let decoded = '';
  let end = 0;
  for (const { 0: part, index } of latin1.matchAll(wellFormed)) {
    decoded += keepBytes(latin1.slice(end, index)) + Buffer.from(part, 'latin1').toString('utf8');
    end = index + part.length;
  }
  return decoded + keepBytes(latin1.slice(end));
}

function keepBytes(latin1: string): string {
  return Array.from(latin1, (char) => String.fromCharCode(keptByteBase + char.charCodeAt(0))).join('');
}

/** Returns the bytes that `decodeOctets` read; for any other text, its UTF-8. */
export function encodeOctets(text: string): Buffer {
  const parts = splitKept(text);
  return Buffer.concat(parts.map(({ kept, part }) => (kept === undefined ? Buffer.from(part) : Buffer.of(kept))));
}

/** Percent-encodes text for the user information of a URL; `encodeURIComponent` fails at bytes that are not UTF-8. */
export function encodePercent(text: string): string {
  const encoded = splitKept(text).map(({ kept, part }) =>
    kept === undefined ? encodeURIComponent(part) : `%${kept.toString(16).toUpperCase()}`,
  );
  return encoded.join('');
}

function splitKept(text: string): { readonly part: string; readonly kept?: number }[] {
  return text.split(keptByte).map((part, index) => {
    // With a capturing group, `split` returns the separators at the odd places.
    return index % 2 === 0 ? { part } : { part, kept: part.charCodeAt(0) - keptByteBase };
  });
}

/** Undoes percent-encoding; undefined if a percent sign is not followed by two hexadecimal digits. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text;
  if (/%(?![\dA-Fa-f]{2})/.test(text)) return undefined;
  const bytes = encodeOctets(text).toString('latin1');
  const decoded = bytes.replaceAll(/%(..)/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return decodeOctets(Buffer.from(decoded, 'latin1'));
}

/** Counts the bytes of chunks. */
export function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
