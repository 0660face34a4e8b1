import type { Path } from '../../../chain/read/document.ts';
import type { FieldMatch, RequestMatch, TextMatch } from '../../../chain/model/graph.ts';
import { type Pattern, parsePattern } from '../../../chain/model/pattern.ts';
import type { HeaderMatcherMessage, StringMatcherMessage } from '../../schema/matchers/text.ts';
import type { RouteMatchMessage } from '../../schema/http/route.ts';
import { assertAtMostOne, assertOne } from '../one-of.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

/** Reads the match of a route. */
export function readMatch(words: RouteMatchMessage, path: Path, reading: BootstrapDiagnostics): RequestMatch {
  assertOne(path, words, ['prefix', 'path', 'safe_regex', 'connect_matcher'], reading);
  const { prefix, path: exact, safe_regex: regex, headers = [] } = words;
  const fields = headers.map((header, index) => readField(header, [...path, 'headers', index], reading));
  if (words.connect_matcher) return { path: { kind: 'connect' }, fields };
  if (regex) {
    readPattern(regex.regex, [...path, 'safe_regex', 'regex'], reading);
    return { path: { kind: 'regex', value: regex.regex }, fields };
  }
  return {
    path: exact === undefined ? { kind: 'prefix', value: prefix ?? '' } : { kind: 'exact', value: exact },
    fields,
  };
}

const matches = [
  'exact_match',
  'prefix_match',
  'suffix_match',
  'contains_match',
  'present_match',
  'safe_regex_match',
  'string_match',
] as const;

/** Reads a condition on a field of a request. */
export function readField(words: HeaderMatcherMessage, path: Path, reading: BootstrapDiagnostics): FieldMatch {
  assertAtMostOne(path, words, matches, reading);
  const { name, string_match: text, present_match: isPresent = true, invert_match: inverts = false } = words;
  if (text) assertOne([...path, 'string_match'], text, kinds, reading);
  const [regex, regexAt] = text?.safe_regex
    ? [text.safe_regex, ['string_match', 'safe_regex']]
    : [words.safe_regex_match, ['safe_regex_match']];
  const value = readText({
    exact: words.exact_match ?? text?.exact,
    prefix: words.prefix_match ?? text?.prefix,
    suffix: words.suffix_match ?? text?.suffix,
    contains: words.contains_match ?? text?.contains,
    safe_regex: regex?.regex,
  });
  if (regex) readPattern(regex.regex, [...path, ...regexAt, 'regex'], reading);
  // `present_match: false` is another form of inversion.
  const invert = inverts !== !isPresent;
  return { name: name.toLowerCase(), ...(value && { value }), ...(invert && { invert }) };
}

const kinds = ['exact', 'prefix', 'suffix', 'contains', 'safe_regex'] as const;

function readText(texts: Readonly<Record<(typeof kinds)[number], string | undefined>>): TextMatch | undefined {
  const kind = kinds.find((candidate) => texts[candidate] !== undefined);
  return kind && { kind: kind === 'safe_regex' ? 'regex' : kind, value: texts[kind] ?? '' };
}

/** Reads a condition on a text. Returns undefined after adding a fault. */
export function readString(
  words: StringMatcherMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): TextMatch | undefined {
  assertOne(path, words, kinds, reading);
  const { safe_regex: regex, exact, prefix, suffix, contains } = words;
  if (regex) readPattern(regex.regex, [...path, 'safe_regex', 'regex'], reading);
  return readText({ exact, prefix, suffix, contains, safe_regex: regex?.regex });
}

/** Refuses what is no pattern. */
export function readPattern(regex: string, path: Path, reading: BootstrapDiagnostics): Pattern | undefined {
  return reading.attempts.run(path, () => parsePattern(regex));
}
