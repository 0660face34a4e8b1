import * as z from 'zod';
import { assertState, parseEarly, type StateOf, type StateValue } from '../../../syntax/format/state.ts';
import { asUsage } from '../../../syntax/text.ts';
import type { Path } from '../document.ts';
import { readFormat } from '../hop.ts';
import type { RouteReader } from '../route.ts';
import { describe, flag, must, text } from '../schema-parts.ts';

const value = z.union(
  [
    text,
    z.strictObject({
      value: describe(text, 'the value, with operators such as %REQ(x-target)%; one without a value is -'),
      share: describe(
        z.enum(['once', 'always'], must('once or always')).optional(),
        'let the stage that internal:// leads to see it, or all stages inside',
      ),
      'skip-empty': describe(flag.optional(), 'leave it out if it is empty'),
      'omit-missing': describe(flag.optional(), 'write nothing for an operator without a value'),
    }),
  ],
  must('a text, or value with share, skip-empty and omit-missing'),
);

/** The schema of the values of a stage in a file. */
export const state = z.record(text, value, must('values by name'));

/** The values of a stage in a file. */
export type StateConfig = z.infer<typeof state>;

/** Reads the values that a stage gives to connections or requests. */
export function readState(path: Path, words: StateConfig, of: StateOf, reader: RouteReader): readonly StateValue[] {
  return Object.entries(words).flatMap(
    ([name, given]) =>
      reader.attempts.run([...path, name], () => {
        const {
          value: format,
          share,
          'skip-empty': skips,
          'omit-missing': omits,
        } = typeof given === 'string' ? { value: given } : given;
        const read: StateValue = {
          name,
          value: readFormat(name, format, reader),
          ...(share && { share }),
          ...(skips && { skipEmpty: true }),
          ...(omits && { omitMissing: true }),
        };
        assertState([read], of);
        return read;
      }) ?? [],
  );
}

/**
 * Reads the target of a stage that has operators: `%REQUESTED_SERVER_NAME%:443`. Returns undefined for other targets.
 * @throws {TunlError} usage
 */
export function readTargetFormat(word: string, reader: RouteReader): string | undefined {
  if (!/%[A-Z]/.test(word) || /^(?:unix:|internal:)/.test(word)) return undefined;
  const format = readFormat('to', word, reader);
  asUsage('to', () => parseEarly(format, 'connection'));
  return format;
}
