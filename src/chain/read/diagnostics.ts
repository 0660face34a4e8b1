import { TunlError } from '../../core/errors.ts';
import type { Fault, Path } from './document.ts';

/** Runs parsers on the parts of a file, and collects their errors with the places of the parts. */
export class Diagnostics {
  readonly faults: Fault[] = [];

  /** Returns the parser's result, or undefined after collecting its error. */
  run<T>(path: Path, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof TunlError)) throw error;
      this.add(path, error.message, ...(error.facts.hints ?? []));
      return undefined;
    }
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
