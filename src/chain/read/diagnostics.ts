import { TunlError } from '../../core/errors.ts';
import type { Fault, Path } from './document.ts';

/** Runs parsers on the parts of a file, and collects their errors with the places of the parts. */
export class Diagnostics {
  readonly faults: Fault[] = [];
  readonly #files = new Map<string, Path[]>();
  /** The place of the part that is being parsed. */
  #at: Path = [];

  /** Returns the parser's result, or undefined after collecting its error. */
  run<T>(path: Path, parse: () => T): T | undefined {
    const before = this.#at;
    this.#at = path;
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof TunlError)) throw error;
      this.add(path, error.message, ...(error.facts.hints ?? []));
      return undefined;
    } finally {
      this.#at = before;
    }
  }

  /** Notes that a file is named at a place, by default that of the part that is being parsed. Returns the file. */
  noteFile(file: string, path: Path = this.#at): string {
    this.#files.set(file, [...(this.#files.get(file) ?? []), path]);
    return file;
  }

  /** Finds where a file is named: below a part, if it is named there. */
  findFile(file: string, below: Path): Path | undefined {
    const places = this.#files.get(file) ?? [];
    return places.find((path) => below.every((step, index) => path[index] === step)) ?? places[0];
  }

  /** Parses one value or a list of them, each at its own place, and leaves out those with errors. */
  runEach<W, T>(path: Path, words: W | readonly W[] | undefined, parse: (word: W, path: Path) => T): T[] {
    if (words === undefined) return [];
    const list: readonly (readonly [W, Path])[] = isList(words)
      ? words.map((word, index) => [word, [...path, index]] as const)
      : [[words, path]];
    return list.flatMap(([word, at]) => {
      const parsed = this.run(at, () => parse(word, at));
      return parsed === undefined ? [] : [parsed];
    });
  }

  add(path: Path, message: string, ...hints: readonly string[]): void {
    // The defaults are read once per stage, and their errors must not be repeated.
    const isKnown = this.faults.some((fault) => fault.message === message && fault.path.join('\0') === path.join('\0'));
    if (!isKnown) this.faults.push({ path, message, hints });
  }
}

function isList<W>(words: W | readonly W[]): words is readonly W[] {
  return Array.isArray(words);
}
