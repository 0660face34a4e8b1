import { staticTable } from './static-table.ts';

/** How the encoder writes a field that is in no table, as the bits before its index (RFC 7541, section 6.2). */
export const literalForms = { indexed: 0x40, plain: 0x00, neverIndexed: 0x10 } as const;

/** One of `literalForms`. */
export type LiteralForm = (typeof literalForms)[keyof typeof literalForms];

/** What the encoder knows of a name before it sees a value. */
export interface NameTraits {
  readonly form: LiteralForm;
  /** The first index of the name in the static table; 0 if it is not there. */
  readonly index: number;
  /** The indices of the whole fields in the static table by their values. */
  readonly indexByValue: ReadonlyMap<string, number>;
}

/** Fields with secrets. No proxy on the way may put them into a table either (RFC 7541, section 7.1.3). */
const sensitiveNames = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];

/** Fields whose values rarely come again: they would only drive the others out of the table. */
const changingNames = [
  ':path',
  'age',
  'content-length',
  'content-range',
  'date',
  'etag',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'range',
  'referer',
  'sec-websocket-accept',
  'sec-websocket-key',
  'traceparent',
  'x-request-id',
];

const noValues: ReadonlyMap<string, number> = new Map();

/** The traits of every other name. */
const otherTraits: NameTraits = { form: literalForms.indexed, index: 0, indexByValue: noValues };

const traitsByName = makeTraits();

/** Returns what is known of a name. */
export function traitsOf(name: string): NameTraits {
  return traitsByName.get(name) ?? otherTraits;
}

function makeTraits(): ReadonlyMap<string, NameTraits> {
  const forms = new Map<string, LiteralForm>();
  for (const name of sensitiveNames) forms.set(name, literalForms.neverIndexed);
  for (const name of changingNames) forms.set(name, literalForms.plain);
  const traits = new Map<string, NameTraits & { readonly indexByValue: Map<string, number> }>();
  for (const [at, [name, value]] of staticTable.entries()) {
    const known = traits.get(name);
    if (known !== undefined) known.indexByValue.set(value, at + 1);
    else {
      const form = forms.get(name) ?? literalForms.indexed;
      traits.set(name, { form, index: at + 1, indexByValue: new Map([[value, at + 1]]) });
    }
  }
  for (const [name, form] of forms) {
    if (!traits.has(name)) traits.set(name, { form, index: 0, indexByValue: new Map() });
  }
  return traits;
}
