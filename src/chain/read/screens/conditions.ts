import * as z from 'zod';
import { describe, flag, must, oneOrMore, text } from '../schema-parts.ts';

/** Any text. */
export const anyText = z.string(must('a text'));

/** The keys of a condition on a text. */
export const comparison = {
  exact: describe(anyText.optional(), 'it is this'),
  prefix: describe(anyText.optional(), 'it begins with this'),
  suffix: describe(anyText.optional(), 'it ends with this'),
  contains: describe(anyText.optional(), 'this is in it'),
  regex: describe(anyText.optional(), 'this pattern, in the syntax of RE2, fits all of it'),
};
/** The schema of a condition on a field of requests. */
export const condition = z.union(
  [
    anyText,
    flag,
    z.strictObject({
      ...comparison,
      not: describe(z.union([anyText, z.strictObject(comparison)]).optional(), 'it is not like this'),
    }),
  ],
  must('a text, true, false, or exact, prefix, suffix, contains, regex or not'),
);

/** The schema of conditions on the fields of a request. */
export const conditions = z.record(
  text,
  oneOrMore(condition, 'a condition'),
  must('conditions by the name of a field'),
);
