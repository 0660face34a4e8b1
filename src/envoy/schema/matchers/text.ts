import type * as z from 'zod';
import { filled, flag, flagOf, message, text } from '../proto.ts';

/** `envoy.type.matcher.v3.RegexMatcher` */
export const regexMatcher = message('RegexMatcher', { regex: filled }, { ignored: 'google_re2' });

/** `envoy.type.matcher.v3.StringMatcher` */
export const stringMatcher = message(
  'StringMatcher',
  {
    exact: text.optional(),
    prefix: filled.optional(),
    suffix: filled.optional(),
    contains: filled.optional(),
    safe_regex: regexMatcher.optional(),
    ignore_case: flagOf(false, 'case').optional(),
  },
  { refused: { text: 'custom' } },
);

/** `envoy.config.route.v3.HeaderMatcher` */
export const headerMatcher = message(
  'HeaderMatcher',
  {
    name: filled,
    exact_match: text.optional(),
    prefix_match: filled.optional(),
    suffix_match: filled.optional(),
    contains_match: filled.optional(),
    present_match: flag.optional(),
    safe_regex_match: regexMatcher.optional(),
    string_match: stringMatcher.optional(),
    invert_match: flag.optional(),
  },
  { refused: { match: 'range_match treat_missing_header_as_empty' } },
);

/** A condition on a field of a request in a file. */
export type HeaderMatcherMessage = z.infer<typeof headerMatcher>;
/** A condition on a text in a file. */
export type StringMatcherMessage = z.infer<typeof stringMatcher>;
