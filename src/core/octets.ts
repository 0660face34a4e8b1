// Well-formed UTF-8 (RFC 3629, section 4), as latin1 characters.
const wellFormed =
  /[\0-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/g;

/** Each of these alone stands for one byte; the flag u passes over those that are half of a character. */
const keptByte = /([\udc80-\udcff])/u;
const keptByteBase = 0xdc00;

/**
 * Reads bytes as UTF-8 and loses none: a byte that is no part of a character becomes the lone surrogate U+DC00 + byte,
 * which no text holds. Passwords are bytes to those who check them, and text to those who write them.
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

/** The bytes that `decodeOctets` made the text of; of any other text its UTF-8. */
export function encodeOctets(text: string): Buffer {
  const parts = splitKept(text);
  return Buffer.concat(parts.map(({ kept, part }) => (kept === undefined ? Buffer.from(part) : Buffer.of(kept))));
}

/** Percent-encodes for the user information of a URL, where `encodeURIComponent` fails at a byte that is no text. */
export function encodePercent(text: string): string {
  const encoded = splitKept(text).map(({ kept, part }) =>
    kept === undefined ? encodeURIComponent(part) : `%${kept.toString(16).toUpperCase()}`,
  );
  return encoded.join('');
}

function splitKept(text: string): { readonly part: string; readonly kept?: number }[] {
  return text.split(keptByte).map((part, index) => {
    // Between the pieces are what they were split at.
    return index % 2 === 0 ? { part } : { part, kept: part.charCodeAt(0) - keptByteBase };
  });
}

/** Undoes percent-encoding; undefined where a percent sign has no two hexadecimal digits behind it. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text;
  if (/%(?![\dA-Fa-f]{2})/.test(text)) return undefined;
  const bytes = encodeOctets(text).toString('latin1');
  const decoded = bytes.replaceAll(/%(..)/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return decodeOctets(Buffer.from(decoded, 'latin1'));
}
