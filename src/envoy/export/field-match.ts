import type { FieldMatch, TextMatch } from '../../chain/model/http.ts';
import type { Tree } from './terms.ts';

/** Makes a condition on a field of requests. */
export function toFieldMatch({ name, value, invert }: FieldMatch): Tree {
  return {
    name,
    ...(value ? { string_match: toTextMatch(value) } : { present_match: true }),
    ...(invert && { invert_match: true }),
  };
}

/** Makes a condition on a text. */
export function toTextMatch({ kind, value }: TextMatch): Tree {
  return kind === 'regex' ? { safe_regex: { regex: value } } : { [kind]: value };
}
