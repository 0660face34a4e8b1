import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { readFixture } from './envoy-file.ts';

type Steps = readonly (string | number)[];

/** The names of the files in test/envoy/fixtures. */
export const fixtureNames: readonly string[] = readdirSync(new URL('../../envoy/fixtures', import.meta.url)).map(
  (file) => file.replace('.yaml', ''),
);

/** Old forms that Envoy no longer reads and we do. */
export const outdated: ReadonlySet<string> = new Set(['tcp-through-internal-old', 'end-http2-connect']);

/** The values that replace others; `undefined` removes the member. */
export const plainValues: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom('', 'x', '5s', '0s', 'a:b:c', 'a.example', '::1', '0.0.0.0', '*', '/', 'true', 'TCP', 'CONNECT'),
  fc.constantFrom(0, -1, 2, 1.5, 70_000, true, false, undefined, null),
  fc.constantFrom<unknown>([], {}, [null], [[]], [{}]),
);

/** Generates texts of the files, each with one value replaced. */
export function makeChanges(names: readonly string[], values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const trees = names.map((name): unknown => parse(readFixture(name)));
  return fc.constantFrom(...trees).chain((tree) =>
    fc
      // The root stays, because without it the text is no file of Envoy.
      .tuple(fc.constantFrom(...listPaths(tree).filter(({ length }) => length > 1)), values)
      .map(([path, value]) => stringify(change(tree, path, value), { aliasDuplicateObjects: false })),
  );
}

/** Lists the paths of all values in a tree. */
function listPaths(tree: unknown, path: Steps = []): Steps[] {
  if (typeof tree !== 'object' || tree === null) return [path];
  return [path, ...Object.entries(tree).flatMap(([key, item]) => listPaths(item, [...path, key]))];
}

function change(tree: unknown, [first, ...rest]: Steps, value: unknown): unknown {
  if (first === undefined) return value;
  if (Array.isArray(tree)) {
    return tree.map((item: unknown, index) => (index === Number(first) ? change(item, rest, value) : item));
  }
  const fields = tree as Readonly<Record<string, unknown>>;
  const changed = { ...fields, [first]: change(fields[first], rest, value) };
  return Object.fromEntries(Object.entries(changed).filter(([, item]) => item !== undefined));
}
