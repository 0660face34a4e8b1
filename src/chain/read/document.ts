import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { type TunlError, usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';

/** Where something stands in a document: the keys and indexes that lead there. */
export type Path = readonly (string | number)[];

/** Something that is wrong with a document, and where. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly hints?: readonly string[];
  /** It is about the last key of the path, not about its value. */
  readonly atKey?: boolean;
}

/** Larger files are no configuration of a person. */
export const maxFileBytes = 1024 * 1024;

/** How deep a document may nest. The parser recurses, and its recursion has to end before the stack does. */
const maxDepth = 50;
const manyDashes = new RegExp(`(?:[-?:]\\s+){${maxDepth}}`);

/** How often aliases may repeat what they name, counted as the nodes that come out. */
const maxAliasCount = 100;

/** Faults whose places are found, to say the first in the file. */
const maxLocated = 200;

/** Faults that are said at once. */
const maxSaid = 5;

/** A YAML document that knows where each of its values stands. */
export class Source {
  /** The document as plain values. */
  readonly value: unknown;
  readonly #name: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /**
   * @param name the file as messages name it
   * @throws {TunlError} usage, when the text is not one YAML document with unique keys
   */
  constructor(text: string, name: string) {
    this.#name = name;
    if (Buffer.byteLength(text) > maxFileBytes) throw usageError(`${name} has more than ${maxFileBytes} bytes`);
    if (isTooDeep(text)) throw usageError(`${name} nests deeper than ${maxDepth} levels`);
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    const [problem] = [...this.#document.errors, ...this.#document.warnings];
    if (problem) throw this.#refuse(problem.pos[0], explain(problem.code, problem.message), hintsFor(text));
    this.#refuseStrangeKeys();
    this.value = this.#read(text);
  }

  /** Faults as one error that names the place of each. */
  fail(faults: readonly Fault[]): TunlError {
    // Finding a place takes a walk: of very many faults the first will do.
    const said = faults
      .slice(0, maxLocated)
      .map((fault) => ({ fault, at: this.#locate(fault) }))
      .toSorted((one, other) => one.at - other.at)
      .slice(0, maxSaid)
      .map(({ fault: { message, hints = [] }, at }) => ({ line: `${this.#place(at)}: ${message}`, hints }));
    const [first, ...others] = said;
    const more = faults.length > maxSaid ? [`and ${faults.length - maxSaid} more`] : [];
    return usageError(
      first?.line ?? `${this.#name} is not valid`,
      ...(first?.hints ?? []),
      ...others.map(also),
      ...more,
    );
  }

  /** Where the last key of a path stands: `chain.yaml:4:5`. */
  placeOf(path: Path): string {
    return this.#place(this.#locate({ path, message: '', atKey: true }));
  }

  #read(text: string): unknown {
    try {
      return this.#document.toJS({ maxAliasCount });
    } catch (error) {
      // Of an unknown alias the parser tells no position.
      const name = /: (\S+)$/.exec((error as Error).message)?.[1];
      if (name === undefined) throw usageError(`${this.#name} has aliases that repeat too much`);
      const hint = 'a text that begins with * needs quotes';
      throw this.#refuse(Math.max(text.indexOf(`*${name}`), 0), `nothing is named ${quote(`&${name}`)}`, [hint]);
    }
  }

  /** Of an object in JavaScript this key is none: what stands under it would be left out in silence. */
  #refuseStrangeKeys(): void {
    visit(this.#document, {
      Pair: (_key, { key }) => {
        if (isScalar(key) && key.value === '__proto__')
          throw this.#refuse(startOf(key), '"__proto__" cannot be a key', []);
      },
    });
  }

  #refuse(offset: number, message: string, hints: readonly string[]): TunlError {
    return usageError(`${this.#place(offset)}: ${message}`, ...hints);
  }

  /** `chain.yaml:4:5` */
  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  }

  #locate({ path, atKey = false }: Fault): number {
    let node: unknown = this.#document.contents;
    let offset = startOf(node);
    for (const [index, step] of path.entries()) {
      const holder = isAlias(node) ? node.resolve(this.#document) : node;
      const isLast = index === path.length - 1;
      if (isSeq(holder) && typeof step === 'number') {
        node = holder.items[step];
      } else {
        const pair = isMap(holder)
          ? holder.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
          : undefined;
        if (!isPair(pair)) return offset;
        offset = startOf(pair.key) || offset;
        if (isLast && atKey) return offset;
        node = pair.value;
      }
      // An empty value has no place of its own.
      const isEmpty = isScalar(node) && node.value === null && node.source === '';
      if (node !== undefined && node !== null && !isEmpty) offset = startOf(node);
    }
    return offset;
  }
}

function startOf(node: unknown): number {
  return (node as Node | undefined)?.range?.[0] ?? 0;
}

function also({ line, hints }: { readonly line: string; readonly hints: readonly string[] }): string {
  return `also ${line}${hints.length > 0 ? ` (${hints[0]})` : ''}`;
}

/** Counts brackets wherever they stand: texts with so many of them are no configuration either. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth = Math.max(depth - 1, 0);
    if (depth > maxDepth) return true;
  }
  return manyDashes.test(text);
}

function explain(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'duplicate key';
  if (code === 'MULTIPLE_DOCS') return 'a file holds one document, and here a second one begins';
  const line = message.split('\n', 1)[0] ?? '';
  return `this is not YAML: ${line.charAt(0).toLowerCase()}${line.slice(1)}`;
}

function hintsFor(text: string): string[] {
  const hints = [];
  if (/[[{,].*\$\{/.test(text)) hints.push("between { } and [ ] a text with ${…} needs quotes: '${NAME}'");
  if (/[:,[{-] *\[[\da-f]*:/i.test(text)) hints.push("an address that begins with [ needs quotes: '[::1]:8080'");
  return hints;
}
