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
import { drawExcerpt } from '../model/excerpt.ts';
import { quote } from '../../syntax/text.ts';

/** The position of a value in a document: the keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** An error in a document, with its position. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly hints?: readonly string[];
  /** The position of what is the same and comes first. */
  readonly first?: Path;
  /** The error is in the last key of the path, not in its value. */
  readonly atKey?: boolean;
}

/** The maximum size of a file, in bytes. No hand-written configuration is larger. */
export const maxFileBytes = 1024 * 1024;

/** The maximum nesting depth of a document. The parser recurses and must not overflow the stack. */
const maxDepth = 50;
const manyDashes = new RegExp(`(?:[-?:]\\s+){${maxDepth}}`);

/** The maximum number of nodes that aliases may expand to. */
const maxAliasCount = 100;

/** The maximum number of faults that are located, in order to report the first ones in the file. */
const maxLocated = 200;

/** The maximum number of faults in one error. */
const maxSaid = 5;

/** A YAML document with the position of each of its values. */
export class Source {
  /** The document as plain values. */
  readonly value: unknown;
  readonly #name: string;
  readonly #text: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /**
   * @param name the file as messages name it
   * @throws {TunlError} usage, if the text is not a single YAML document with unique keys
   */
  constructor(text: string, name: string) {
    this.#name = name;
    this.#text = text;
    if (Buffer.byteLength(text) > maxFileBytes) throw usageError(`${name} has more than ${maxFileBytes} bytes`);
    if (isTooDeep(text)) throw usageError(`${name} nests deeper than ${maxDepth} levels`);
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    const [problem] = [...this.#document.errors, ...this.#document.warnings];
    if (problem) {
      const message = explain(problem.code, problem.message);
      const [at] = problem.pos;
      // What is missing at the end of the text is told of where the text ends.
      const offset = text.slice(at).trim() === '' ? Math.max(text.trimEnd().length - 1, 0) : at;
      throw problem.code === 'DUPLICATE_KEY'
        ? this.#refuseDuplicate(offset, message)
        : this.#refuse(offset, message, [...layoutHints(problem.code), ...hintsFor(text)]);
    }
    this.#refuseStrangeKeys();
    this.value = this.#read(text);
  }

  /** Makes one error from the faults, with the position of each. */
  fail(faults: readonly Fault[]): TunlError {
    // Each location is a walk through the document, so their number is limited.
    const said = faults
      .slice(0, maxLocated)
      .map((fault) => ({ fault, at: this.#locate(fault) }))
      .toSorted((one, other) => one.at - other.at)
      .slice(0, maxSaid)
      .map(({ fault: { message, hints = [], first: same }, at }) => ({
        line: `${this.#place(at)}: ${message}`,
        hints: [...(same ? [this.#firstAt(this.#locate({ path: same, message }))] : []), ...hints],
        same,
        excerpt: this.#draw(at),
      }));
    const [first, ...others] = said;
    const more = faults.length > maxSaid ? [`and ${faults.length - maxSaid} more`] : [];
    const hints = first?.hints ?? [];
    return usageError(first?.line ?? `${this.#name} is not valid`, ...hints, ...others.map(also), ...more).with({
      ...(first && { excerpt: first.excerpt }),
      hintExcerpts: [
        ...hints.map((_hint, index) =>
          first?.same && index === 0 ? this.#draw(this.#locate({ path: first.same, message: '' })) : [],
        ),
        ...others.map(({ excerpt }) => excerpt),
      ],
    });
  }

  /** Adds to an error the position of a value, and the line there. */
  blame(error: TunlError, path: Path, atKey = false): TunlError {
    const at = this.#locate({ path, message: '', atKey });
    return error.with({ excerpt: this.#draw(at) }, `${this.#place(at)}: ${error.message}`);
  }

  /** Returns the position of the last key of a path: `chain.yaml:4:5`. */
  placeOf(path: Path): string {
    return this.#place(this.#locate({ path, message: '', atKey: true }));
  }

  #read(text: string): unknown {
    try {
      return this.#document.toJS({ maxAliasCount });
    } catch (error) {
      // The parser reports no position for an unknown alias.
      const name = /: (\S+)$/.exec((error as Error).message)?.[1];
      if (name === undefined) throw usageError(`${this.#name} has aliases that repeat too much`);
      const hint = 'a text that begins with * needs quotes';
      throw this.#refuse(Math.max(text.indexOf(`*${name}`), 0), `nothing is named ${quote(`&${name}`)}`, [hint]);
    }
  }

  /** Refuses the key `__proto__`, because JavaScript objects would silently drop its value. */
  #refuseStrangeKeys(): void {
    visit(this.#document, {
      Pair: (_key, { key }) => {
        if (isScalar(key) && key.value === '__proto__')
          throw this.#refuse(startOf(key), '"__proto__" cannot be a key', []);
      },
    });
  }

  #refuse(offset: number, message: string, hints: readonly string[]): TunlError {
    return usageError(`${this.#place(offset)}: ${message}`, ...hints).with({ excerpt: this.#draw(offset) });
  }

  /** Says which key is there twice, and where it is first. */
  #refuseDuplicate(offset: number, message: string): TunlError {
    const said: { first?: number; key?: string } = {};
    visit(this.#document, {
      Map: (_key, { items }) => {
        const second = items.find(({ key }) => startOf(key) === offset);
        if (!second || !isScalar(second.key)) return undefined;
        const { value } = second.key;
        said.key = String(value);
        said.first = startOf(items.find(({ key }) => isScalar(key) && key.value === value)?.key);
        return visit.BREAK;
      },
    });
    if (said.first === undefined || said.key === undefined) return this.#refuse(offset, message, []);
    const error = this.#refuse(offset, `${message} ${quote(said.key)}`, [this.#firstAt(said.first)]);
    return error.with({ hintExcerpts: [this.#draw(said.first)] });
  }

  #firstAt(offset: number): string {
    return `the first one is at ${this.#place(offset)}`;
  }

  #draw(offset: number): string[] {
    const { line, col } = this.#lines.linePos(offset);
    return drawExcerpt(this.#text, { line: Math.max(line, 1), column: Math.max(col, 1) });
  }

  /** Formats a position: `chain.yaml:4:5`. */
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
      } else if (typeof step === 'number') {
        // One value stands in the place of a list.
        node = holder;
      } else {
        const pair = isMap(holder)
          ? holder.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
          : undefined;
        if (!isPair(pair)) return offset;
        offset = startOf(pair.key) || offset;
        if (isLast && atKey) return offset;
        node = pair.value;
      }
      // An empty value has no position, so the position of its key is kept.
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

/** True if brackets or dashes nest too deep. Brackets inside texts count too: no real configuration has so many. */
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

function layoutHints(code: string): string[] {
  if (code === 'TAB_AS_INDENT') return ['indent with blanks'];
  return code === 'BAD_INDENT' ? ['keys of one level begin in the same column'] : [];
}

function hintsFor(text: string): string[] {
  const hints = [];
  if (/[[{,].*\$\{/.test(text)) hints.push("between { } and [ ] a text with ${…} needs quotes: '${NAME}'");
  if (/[:,[{-] *\[[\da-f]*:/i.test(text)) hints.push("an address that begins with [ needs quotes: '[::1]:8080'");
  if (/(?:^|[:,[{-])\s*@/m.test(text)) hints.push("a text that begins with @ needs quotes: '@work'");
  if (/(?:^|[:,[{-])\s*!=/m.test(text)) hints.push("a text that begins with ! needs quotes: '!= 5m'");
  return hints;
}
