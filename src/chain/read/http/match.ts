import { usageError } from '../../../core/errors.ts';
import { parsePattern } from '../../model/pattern.ts';
import { quote } from '../../../syntax/text.ts';
import type { Path } from '../document.ts';
import type { ConditionConfig, HttpRouteConfig } from './schema.ts';
import type { FieldMatch, RequestMatch, TextMatch } from '../../model/graph.ts';
import type { RouteReader } from '../route.ts';
import { fillVariables } from '../secrets.ts';

/** The ways to compare a text. */
export const comparisons = [
  'exact',
  'prefix',
  'suffix',
  'contains',
  'regex',
] as const satisfies readonly TextMatch['kind'][];

/** Reads the conditions of a route: one match for each of its methods, or a single match without methods. */
export function readMatches(path: Path, words: HttpRouteConfig, reader: RouteReader): RequestMatch[] {
  const { attempts } = reader;
  const fits = attempts.run(path, () => readPath(words, reader)) ?? { kind: 'prefix', value: '/' };
  const methods = attempts.runEach([...path, 'method'], words.method, (word) =>
    readMethod(fillVariables(word, reader)),
  );
  const fields = Object.entries(words.headers ?? {}).flatMap(([name, conditions]) =>
    attempts.runEach([...path, 'headers', name], conditions, (condition) => readField(name, condition, reader)),
  );
  if (methods.length === 0) return [{ path: fits, fields }];
  return methods.map((method) => ({ path: fits, fields: [method, ...fields] }));
}

/** Returns the path match of a route that specifies none: CONNECT for tunnels, any path for other actions. */
export function usualPath({ 'tunnel-to': tunnelTo, post }: HttpRouteConfig): RequestMatch['path'] {
  return tunnelTo !== undefined && post !== true ? { kind: 'connect' } : { kind: 'prefix', value: '/' };
}

function readPath(words: HttpRouteConfig, reader: RouteReader): RequestMatch['path'] {
  const { path, prefix, regex, connect } = words;
  const said = Object.entries({ path, prefix, regex, connect }).flatMap(([key, value]) =>
    value === undefined ? [] : [key],
  );
  if (said.length > 1) throw usageError(`a route has ${said.join(' or ')}, not both`);
  if (connect) return { kind: 'connect' };
  if (regex !== undefined) return { kind: 'regex', value: readPattern(fillVariables(regex, reader)) };
  if (path !== undefined) return { kind: 'exact', value: fillVariables(path, reader) };
  return prefix === undefined ? usualPath(words) : { kind: 'prefix', value: fillVariables(prefix, reader) };
}

function readMethod(value: string): FieldMatch {
  if (!/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(value)) throw usageError(`${quote(value)} is not a method`);
  if (/^(?:get|head|post|put|patch|delete|options|connect|trace)$/.test(value)) {
    throw usageError(`methods are written in capitals: ${quote(value)}`, `write ${value.toUpperCase()}`);
  }
  return { name: ':method', value: { kind: 'exact', value } };
}

/** Reads a condition on a field of a request. @throws {TunlError} usage */
export function readField(written: string, words: ConditionConfig, reader: RouteReader): FieldMatch {
  const name = readFieldName(written);
  if (typeof words === 'boolean') return words ? { name } : { name, invert: true };
  if (typeof words === 'string') return { name, value: readComparison({ exact: words }, reader) };
  const { not, ...comparison } = words;
  if (not === undefined) return { name, value: readComparison(comparison, reader) };
  if (Object.keys(comparison).length > 0) throw usageError(`${written} has not and something else`, 'write a list');
  return { name, value: readComparison(typeof not === 'string' ? { exact: not } : not, reader), invert: true };
}

/** A condition on a text in a file. */
export type ComparisonMessage = { readonly [kind in TextMatch['kind']]?: string | undefined };

/** Reads a condition on a text. @throws {TunlError} usage */
export function readComparison(words: ComparisonMessage, reader: RouteReader): TextMatch {
  const said = comparisons.flatMap((kind) => {
    const value = words[kind];
    return value === undefined ? [] : [{ kind, value }];
  });
  const [only, ...others] = said;
  if (!only || others.length > 0) {
    throw usageError(`a condition is one of ${comparisons.join(', ')} and not`, 'several go into a list');
  }
  const value = fillVariables(only.value, reader);
  return { kind: only.kind, value: only.kind === 'regex' ? readPattern(value) : value };
}

function readPattern(text: string): string {
  parsePattern(text);
  return text;
}

/** The pseudo-fields that count as fields of a request. */
const pseudoFields: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme']);

/**
 * Reads the name of a field or pseudo-field of a request, and returns it in lower case.
 * @throws {TunlError} usage
 */
export function readFieldName(written: string): string {
  const name = written.toLowerCase();
  if (isFieldName(name)) return name;
  throw usageError(`${quote(written)} is not the name of a field`);
}

/** True for the name of a field (RFC 9110, section 5.1) in lower case, or of a pseudo-field. */
export function isFieldName(name: string): boolean {
  return pseudoFields.has(name) || /^[!#$%&'*+.^_`|~\da-z-]+$/.test(name);
}
