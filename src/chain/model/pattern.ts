import type { RE2JS } from 're2js';
import { TunlError, usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';

/** A regular expression in RE2's syntax. It is matched in linear time, whatever it is and whatever the text. */
export interface Pattern {
  /** True if the pattern fits the text from its beginning to its end. */
  matches(text: string): boolean;
  /** Replaces all that fits. In the substitution `\1` to `\9` are groups, `\0` is all of it, and `\\` a backslash. */
  replace(text: string, substitution: string): string;
  /** The number of its groups. */
  readonly groups: number;
}

let engine: typeof RE2JS | undefined;
const known = new Map<string, Pattern>();

/** Loads the engine of patterns. `parsePattern` needs it, so it is loaded before a graph with patterns is read. */
export async function loadPatterns(): Promise<void> {
  engine ??= (await import('re2js')).RE2JS;
}

/**
 * Reads a pattern; the same text gives the same pattern.
 * @throws {TunlError} usage, if it is none; internal, if the engine is not loaded
 */
export function parsePattern(text: string): Pattern {
  const found = known.get(text);
  if (found) return found;
  const pattern = compile(text);
  known.set(text, pattern);
  return pattern;
}

/**
 * Checks a substitution for a pattern.
 * @throws {TunlError} usage
 */
export function assertSubstitution(substitution: string, { groups }: Pattern): void {
  for (const [found, digit] of substitution.matchAll(/\\(?:(\d)|\\|.|$)/gs)) {
    if (digit === undefined && found !== '\\\\')
      throw usageError(`${quote(found)} in a substitution is no group`, 'write \\\\ for a backslash');
    if (Number(digit ?? 0) > groups) throw usageError(`the pattern has no group ${quote(found)}`);
  }
}

function compile(text: string): Pattern {
  if (!engine) throw new TunlError('internal', 'the engine of patterns is not loaded');
  const compiled = attempt(engine, text);
  return {
    matches: (given) => compiled.matches(given),
    groups: compiled.groupCount(),
    replace(given, substitution) {
      const matcher = compiled.matcher(given);
      let [result, end] = ['', 0];
      let last = -1;
      while (matcher.find()) {
        // As in RE2, nothing is found right behind what was found.
        if (matcher.start() === matcher.end() && matcher.start() === last) continue;
        const fill = (_all: string, digit: string | undefined) =>
          digit === undefined ? '\\' : (matcher.group(Number(digit)) ?? '');
        result += given.slice(end, matcher.start()) + substitution.replaceAll(/\\(?:(\d)|\\)/g, fill);
        end = matcher.end();
        last = end;
      }
      return result + given.slice(end);
    },
  };
}

function attempt(compiler: typeof RE2JS, text: string): RE2JS {
  try {
    return compiler.compile(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : '';
    throw usageError(
      `${quote(text)} is no pattern: ${why}`,
      'patterns have the syntax of RE2: https://github.com/google/re2/wiki/Syntax',
    );
  }
}
