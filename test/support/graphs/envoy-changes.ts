import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { bootstrap } from '../../../src/envoy/schema/bootstrap.ts';
import { findWritten, spellOut } from '../../../src/envoy/schema/spelling.ts';
import { corpusNames, readCorpus, readFixture } from './envoy-file.ts';

type Steps = readonly (string | number)[];

/** Envoy reads words such as yes as true. */
const asEnvoyReads = { aliasDuplicateObjects: false, compat: 'yaml-1.1' } as const;

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
      .map(([path, value]) => stringify(change(tree, path, value), asEnvoyReads)),
  );
}

/** A file with one thing changed. */
export interface Change {
  /** The file, the place and the kind of the change. */
  readonly what: string;
  readonly text: string;
}

/**
 * Generates files of the corpus and fixtures with one change each that people make: what is left out, said twice, taken
 * from a place of the same name, or replaced by a value that does not fit.
 */
export function makeLikelyChanges(): fc.Arbitrary<Change> {
  // Envoy opens the log of its admin address even where it only looks at a file; abstract names need Node 22.
  const files = [
    ...fixtureNames
      .filter((name) => !outdated.has(name) && !readFixture(name).includes('access_log'))
      .map((name) => [name, readFixture(name)] as const),
    ...corpusNames.filter((name) => name !== 'tcp-abstract').map((name) => [name, readCorpus(name)] as const),
  ];
  const trees = files.map(([name, text]) => [name, parse(text) as unknown] as const);
  const kin = new Kin(trees.map(([, tree]) => tree));
  return fc.constantFrom(...trees).chain(([name, tree]) =>
    fc.constantFrom(...listRead(tree)).chain((path) =>
      chooseEdit(tree, path, kin).map(([kind, at, value]) => ({
        what: `${name}: ${kind} ${at.join('.')}`,
        text: stringify(change(tree, at, value), asEnvoyReads),
      })),
    ),
  );
}

/** Lists the paths of a file whose values are read. What makes no difference is not, and may be anything. */
function listRead(tree: unknown): Steps[] {
  const { skipped } = spellOut(tree, bootstrap, { allowUnknownFields: false });
  const unread = skipped.map(({ path }) => toPointer(findWritten(path, tree)));
  return listPaths(tree).filter((path) => {
    const pointer = toPointer(path);
    return path.length > 1 && !unread.some((at) => `${pointer}/`.startsWith(`${at}/`));
  });
}

function toPointer(path: Steps): string {
  return path.map((step) => `/${step}`).join('');
}

/** What is done to a file: its name, the path of the value that is replaced, and the other value. */
type Edit = readonly [kind: string, path: Steps, value: unknown];

function chooseEdit(tree: unknown, path: Steps, kin: Kin): fc.Arbitrary<Edit> {
  const value = valueAt(tree, path);
  const above = path.slice(0, -1);
  const list = valueAt(tree, above);
  const edits: fc.Arbitrary<Edit>[] = [plainValues.map((other) => ['plain', path, other])];
  const alike = kin.listAlike(path);
  if (alike.length > 1) edits.push(fc.constantFrom(...alike).map((other) => ['alike', path, other]));
  if (Array.isArray(list)) {
    const index = Number(path.at(-1));
    const items: readonly unknown[] = list;
    edits.push(fc.constant(['without', above, items.toSpliced(index, 1)]));
    edits.push(fc.constant(['twice', above, items.toSpliced(index, 0, value)]));
  } else {
    edits.push(fc.constant(['without', path, undefined]));
  }
  const others = kin.listFields(path).filter(([key]) => isFields(value) && !Object.hasOwn(value, key));
  if (isFields(value) && others.length > 0)
    edits.push(fc.constantFrom(...others).map(([key, other]) => ['also', path, { ...value, [key]: other }]));
  return fc.oneof(...edits);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All values of some files, by the last name in their paths. */
class Kin {
  readonly #values = new Map<string, Map<string, unknown>>();

  constructor(trees: readonly unknown[]) {
    for (const tree of trees) for (const path of listPaths(tree)) this.#add(nameOf(path), valueAt(tree, path));
  }

  /** Lists the values of the same name, and of the same kind: items of a list, or values of a field. */
  listAlike(path: Steps): readonly unknown[] {
    return [...(this.#values.get(nameOf(path))?.values() ?? [])];
  }

  /** Lists the fields of all messages of the same name. */
  listFields(path: Steps): readonly (readonly [key: string, value: unknown])[] {
    return this.listAlike(path).flatMap((value) => (isFields(value) ? Object.entries(value) : []));
  }

  #add(name: string, value: unknown): void {
    const known = this.#values.get(name) ?? new Map<string, unknown>();
    this.#values.set(name, known.set(JSON.stringify(value), value));
  }
}

/** The name of the field that a value belongs to; that of an item ends with a mark. */
function nameOf(path: Steps): string {
  const name = path.findLast((step) => !/^\d+$/.test(String(step)));
  return path.at(-1) === name ? `${name}` : `${name}[]`;
}

function valueAt(tree: unknown, path: Steps): unknown {
  return path.reduce<unknown>((value, step) => (value as Fields)[step], tree);
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
