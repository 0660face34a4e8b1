import { isToken } from '../../syntax/text.ts';

/** One challenge of a hop: a scheme, and either a token or parameters (RFC 9110, section 11.3). */
export interface Challenge {
  /** The scheme in lower case. */
  readonly scheme: string;
  /** The scheme as the hop writes it. */
  readonly title: string;
  /** The token in base64, as it came (`token68`); absent if there is none. */
  readonly token?: string;
  /** The parameters by their names in lower case, unquoted. Of a repeated one the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

/** Limits for what a hop may ask: what is beyond them is not read. */
const maxChallenges = 32;
const maxParams = 64;

/**
 * Parses the values of `Proxy-Authenticate` or `WWW-Authenticate` (RFC 9110, section 11.6.1). Each is a list of
 * challenges, in which a comma separates challenges and parameters alike. It accepts what HTTP asks recipients to
 * accept (empty elements, blanks beside `=`), and skips what it cannot read up to the next comma: it never throws.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const found: MutableChallenge[] = [];
  for (const value of values) readList(new Reader(value), found);
  return found;
}

/** Selects the challenges of one scheme, in order. */
export function ofScheme(challenges: readonly Challenge[], { name }: { readonly name: string }): Challenge[] {
  return challenges.filter(({ scheme }) => scheme === name);
}

interface MutableChallenge {
  readonly scheme: string;
  readonly title: string;
  token?: string;
  readonly params: Map<string, string>;
}

function readList(reader: Reader, found: MutableChallenge[]): void {
  let current: MutableChallenge | undefined;
  while (reader.skipSeparators()) {
    const word = reader.take(/[^\s,="]+/y);
    if (word === undefined || !isToken(word)) {
      reader.skipElement();
      continue;
    }
    const value = reader.takeValue();
    if (value !== undefined) {
      if (current) addParam(current, word, value);
      reader.skipElement();
      continue;
    }
    if (found.length >= maxChallenges) return;
    current = { scheme: word.toLowerCase(), title: word, params: new Map() };
    found.push(current);
    if (reader.take(/[\t ]+/y) === undefined) {
      reader.skipElement();
      continue;
    }
    const token = reader.take(/[A-Za-z0-9\-._~+/]+=*(?=[\t ]*(?:,|$))/y);
    if (token !== undefined) current.token = token;
  }
}

function addParam({ params }: MutableChallenge, name: string, value: string): void {
  const key = name.toLowerCase();
  if (!params.has(key) && params.size < maxParams) params.set(key, value);
}

/** Reads a field value from left to right. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns what the pattern, which must be sticky, finds here, and goes on behind it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    if (text === undefined) return undefined;
    this.#at += text.length;
    return text;
  }

  /** Skips blanks and commas; returns false at the end. */
  skipSeparators(): boolean {
    this.take(/[\s,]+/y);
    return this.#at < this.#text.length;
  }

  /** Returns the value of a parameter whose name was just read; undefined if no `=` follows. */
  takeValue(): string | undefined {
    if (this.take(/[\t ]*=[\t ]*/y) === undefined) return undefined;
    const quoted = this.take(/"(?:[^"\\]+|\\[^])*(?:"|\\?$)/y);
    if (quoted !== undefined) return quoted.replace(/^"|"$/g, '').replaceAll(/\\([^])/g, '$1');
    return this.take(/[^\s,"]*/y) ?? '';
  }

  /** Skips the rest of an element, with the commas in its quoted strings; one without an end takes the rest. */
  skipElement(): void {
    this.take(/(?:[^,"]+|"(?:[^"\\]+|\\[^])*(?:"|\\?$))*/y);
  }
}
