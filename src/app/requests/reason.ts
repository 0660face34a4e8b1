import type { Exchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { fieldValues } from '../../http/wire/message.ts';

/** An answer that a stage gives itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly fields: readonly HeaderField[];
  readonly body: string;
}

/** The body of a refusal, with the field that names its type if it is not plain text. */
export interface Reason {
  readonly type: readonly HeaderField[];
  readonly body: string;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Writes the reason for a refusal: as a page for a browser, which says that it takes HTML, else as it is. */
export function writeReason({ headers }: Exchange, reason: string): Reason {
  const takesPages = fieldValues(headers, 'accept').some((value) => /(?:^|[\s,])text\/html\b/i.test(value));
  if (!takesPages) return { type: [], body: reason };
  const text = reason.trimEnd().replaceAll(/[&<>"]/g, (char) => entities[char] ?? char);
  const body = `<!doctype html>\n<meta charset="utf-8">\n<title>tunl</title>\n<p>${text.replaceAll('\n', '<br>\n')}</p>\n`;
  return { type: [['Content-Type', 'text/html; charset=utf-8']], body };
}
