import type { HeaderField, Hop } from '../../core/hop.ts';
import type { FieldValue } from '../../chain/model/http.ts';
import { escapeVariables } from '../../chain/read/secrets.ts';
import { isSecretField } from '../../core/secret.ts';
import { escapeOperators } from './terms.ts';
import { termsOf } from '../schema/hop-terms.ts';

/** The written forms of secrets that came from a file, by the object that holds each. */
export type FieldSources = ReadonlyMap<object, string>;

/** The `Forwarded` field that hbone:// sends, with a quoted address (RFC 7239, section 6). */
const forwardedField: HeaderField = ['forwarded', 'for="%DOWNSTREAM_REMOTE_ADDRESS%"'];

/** Writes the fields for hops. Values that may be secret are replaced by environment variables, which Envoy reads. */
export class FieldWriter {
  /** Notes on variables to set for Envoy and on differences from the graph, one line each. */
  readonly notes: string[] = [];
  readonly #sources: FieldSources;
  readonly #names = new Map<object, string>();

  constructor(sources: FieldSources) {
    this.#sources = sources;
  }

  /** Writes the fields of a hop: plain headers, and formats with operators. Credentials become a field too. */
  write(hop: Hop): Pick<Hop, 'headers' | 'formats'> {
    const { credentials, headers, formats = [], settings } = hop;
    const { login: name, fields, tunnel } = termsOf(hop);
    const login = credentials && this.#invent('TUNL_PROXY_BASIC', credentials, 'USER:PASSWORD in base64');
    const told = Object.entries(fields).flatMap(([setting, field]): HeaderField[] => {
      const value = settings[setting];
      return value === undefined ? [] : [[field, escapeOperators(value)]];
    });
    const isForwarded = tunnel === 'mesh' && settings['forwarded'] !== 'no';
    const given = [
      ...told,
      ...(isForwarded ? [forwardedField] : []),
      ...(login === undefined ? [] : [[name, `Basic ${login}`] as const]),
      ...headers.map((field) => [field[0].toLowerCase(), this.#toFormat(field)] as const),
      ...formats.map(([key, value]) => [key.toLowerCase(), value] as const),
    ];
    const isFormat = ([, value]: HeaderField) => value.includes('%');
    const others = given.filter(isFormat);
    return { headers: given.filter((field) => !isFormat(field)), ...(others.length > 0 && { formats: others }) };
  }

  /** Writes the value of a field that a route changes, which may have operators. */
  writeFormat(field: FieldValue): string {
    const { name, value } = field;
    const text = this.#sources.get(field) ?? (isSecretField(name) ? undefined : escapeVariables(value));
    if (text === undefined || text.startsWith('file:')) {
      return this.#invent('TUNL_PROXY_HEADER', field, `the value of ${name}`);
    }
    return fillParts(text, (part) => part);
  }

  #toFormat(field: HeaderField): string {
    const text = this.#sources.get(field);
    if (text === undefined || text.startsWith('file:')) {
      return this.#invent('TUNL_PROXY_HEADER', field, `the value of ${field[0]}`);
    }
    return fillParts(text, escapeOperators);
  }

  #invent(name: string, holder: object, what: string): string {
    const known = this.#names.get(holder);
    if (known !== undefined) return readVariable(known);
    const rivals = [...this.#names.values()].filter((other) => other.startsWith(name)).length;
    const variable = rivals === 0 ? name : `${name}_${rivals + 1}`;
    this.#names.set(holder, variable);
    this.notes.push(`set ${variable} for Envoy to ${what}`);
    return readVariable(variable);
  }
}

/** Writes references to variables as Envoy does, and the other parts of a text by a function. */
function fillParts(text: string, write: (part: string) => string): string {
  return text
    .split(/(\$\$?\{[^}]*\}?)/)
    .map((part) => {
      // `$${` is the escaped form of `${`.
      if (part.startsWith('$${')) return write(part.slice(1));
      const [, variable] = /^\$\{(\w+)\}$/.exec(part) ?? [];
      return variable === undefined ? write(part) : readVariable(variable);
    })
    .join('');
}

function readVariable(name: string): string {
  return `%ENVIRONMENT(${name})%`;
}
