import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { readFixture } from './envoy-file.ts';

type Steps = readonly (string | number)[];

/** The names of the files in test/envoy/fixtures. */
export const fixtureNames: readonly string[] = readdirSync(new URL('../../envoy/fixtures', import.meta.url)).map(
  (file) => file.replace('.yaml', ''),
);

/** Forms of years ago, which Envoy has given up and we read. */
export const outdated: ReadonlySet<string> = new Set(['tcp-through-internal-old', 'end-http2-connect']);

/** What is put where something else was; `undefined` leaves it out. */
export const plainValues: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom('', 'x', '5s', '0s', 'a:b:c', 'a.example', '::1', '0.0.0.0', '*', '/', 'true', 'TCP', 'CONNECT'),
  fc.constantFrom(0, -1, 2, 1.5, 70_000, true, false, undefined, null),
  fc.constantFrom<unknown>([], {}, [null], [[]], [{}]),
);

/** Texts of the files, each with another value in one place. */
export function makeChanges(names: readonly string[], values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const trees = names.map((name): unknown => parse(readFixture(name)));
  return fc.constantFrom(...trees).chain((tree) =>
    fc
      // Not the whole: that would be no file of Envoy.
      .tuple(fc.constantFrom(...listPaths(tree).filter(({ length }) => length > 1)), values)
      .map(([path, value]) => stringify(change(tree, path, value), { aliasDuplicateObjects: false })),
  );
}

/** Where each value of a tree is. */
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
