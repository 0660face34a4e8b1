import type { Path } from '../../chain/read/document.ts';
import type { FieldMatch, RequestMatch, TextMatch } from '../../chain/model/graph.ts';
import type { HeaderMatcherMessage, RouteMatchMessage } from '../schema/route.ts';
import { assertAtMostOne, assertOne } from './one-of.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

/** Reads the match of a route. */
export function readMatch(words: RouteMatchMessage, path: Path, reading: BootstrapDiagnostics): RequestMatch {
  assertOne(path, words, ['prefix', 'path', 'connect_matcher'], reading);
  const { prefix, path: exact, headers = [] } = words;
  const fields = headers.map((header, index) => readField(header, [...path, 'headers', index], reading));
  if (words.connect_matcher) return { path: { kind: 'connect' }, fields };
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
  'string_match',
] as const;

function readField(words: HeaderMatcherMessage, path: Path, reading: BootstrapDiagnostics): FieldMatch {
  assertAtMostOne(path, words, matches, reading);
  const { name, string_match: text, present_match: isPresent = true, invert_match: inverts = false } = words;
  if (text) assertOne([...path, 'string_match'], text, kinds, reading);
  const value = readText({
    exact: words.exact_match ?? text?.exact,
    prefix: words.prefix_match ?? text?.prefix,
    suffix: words.suffix_match ?? text?.suffix,
    contains: words.contains_match ?? text?.contains,
  });
  // `present_match: false` is another form of inversion.
  const invert = inverts !== !isPresent;
  return { name: name.toLowerCase(), ...(value && { value }), ...(invert && { invert }) };
}

const kinds = ['exact', 'prefix', 'suffix', 'contains'] as const;

function readText(texts: Readonly<Record<(typeof kinds)[number], string | undefined>>): TextMatch | undefined {
  const kind = kinds.find((candidate) => texts[candidate] !== undefined);
  return kind && { kind, value: texts[kind] ?? '' };
}
