import { TunlError } from '../core/errors.ts';
import type { Fault, Path } from './document.ts';

/** Parses piece by piece, and keeps what each parser refuses with the place of its piece. */
export class Attempts {
  readonly faults: Fault[] = [];

  /** What the parser returns, or undefined once its refusal is kept. */
  run<T>(path: Path, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof TunlError)) throw error;
      this.add(path, error.message, ...(error.facts.hints ?? []));
      return undefined;
    }
  }

  /** One value or a list of them, each parsed at its own place; those that were refused are left out. */
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
    // What stands in the defaults is read for each stage.
    const isKnown = this.faults.some((fault) => fault.message === message && fault.path.join('\0') === path.join('\0'));
    if (!isKnown) this.faults.push({ path, message, hints });
  }
}

function isList<W>(words: W | readonly W[]): words is readonly W[] {
  return Array.isArray(words);
}
