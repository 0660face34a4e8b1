import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { makeConfigForm } from '../../../src/app/commands/config.ts';
import { makeJsonSchema } from '../../../src/chain/read/schema.ts';
import { listFields } from '../../../src/envoy/schema/field-list.ts';
import { formatManual } from '../../../src/cli/docs/manual/index.ts';
import { fillTables } from '../../../src/cli/docs/readme-tables.ts';
import { listPages } from '../../../scripts/pages.mjs';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { commands } from '../../support/harness/command-line.ts';

async function print(words: readonly string[]): Promise<string> {
  const io = makeIo();
  expect(await run(words, io)).toBe(0);
  expect(io.said()).toBe('');
  return io.out();
}

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const generated: readonly (readonly [path: string, words: readonly string[]])[] = [
  ['completions/tunl.bash', ['completion', 'bash']],
  ['completions/_tunl', ['completion', 'zsh']],
  ['completions/tunl.fish', ['completion', 'fish']],
  ['test/golden/help.txt', ['--help']],
  ['test/golden/help-exit-codes.txt', ['help', 'exit-codes']],
  ...commands.map(({ name }) => [`test/golden/help-${name}.txt`, [name, '--help']] as const),
  ...commands.map(({ name }) => [`test/golden/help-all-${name}.txt`, [name, '--help-all']] as const),
];

// If one of these fails, look at the difference, then run `npm run generate`.
test.each(generated)('%s is what the program prints', async (path, words) => {
  expect(await print(words)).toBe(read(path));
});

test('the tables of the pages are what the program knows', () => {
  const filled = listPages().filter((page) => read(page).includes('<!-- generated: '));
  expect(filled).toEqual(['docs/carriers.md', 'docs/failures.md', 'docs/proxies.md']);
  for (const page of filled) expect(fillTables(read(page))).toBe(read(page));
});

describe('the manual', () => {
  const { version, man } = JSON.parse(read('package.json')) as { version: string; man: readonly string[] };
  const pages = formatManual(commands, version);

  test('has a page for the program and one for each command, which the package installs', () => {
    const names = ['tunl.1', ...commands.map(({ name }) => `tunl-${name}.1`)].toSorted();
    expect([...pages.keys()].toSorted()).toEqual(names);
    expect(readdirSync(new URL('../../../man', import.meta.url)).toSorted()).toEqual(names);
    expect(man.toSorted()).toEqual(names.map((name) => `man/${name}`));
  });

  test.each([...pages])('man/%s is what the program knows', (name, text) => {
    expect(text).toBe(read(`man/${name}`));
  });

  test.each(commands)('has a description of $name, its examples and its options', ({ name, examples, groups }) => {
    const page = pages.get(`tunl-${name}.1`) ?? '';
    expect(page).toMatch(/\n\.SH "DESCRIPTION"\n[A-Z]/);
    expect(page.split('\n.EX\n')).toHaveLength(2 + examples.length);
    for (const option of groups.flatMap(({ options }) => options)) {
      expect(page).toContain(`\\fB\\-\\-${option.name.replaceAll('-', String.raw`\-`)}\\fR`);
    }
  });
});

test('docs/config.schema.json is the schema that the configuration is checked with', async () => {
  const form = await makeConfigForm();
  expect(`${JSON.stringify(form.makeJsonSchema(), undefined, 2)}\n`).toBe(read('docs/config.schema.json'));
});

test('docs/chain.schema.json is the schema that files are checked with', () => {
  expect(`${JSON.stringify(makeJsonSchema(), undefined, 2)}\n`).toBe(read('docs/chain.schema.json'));
});

test('docs/envoy-fields.md lists the fields that are read', () => {
  expect(listFields()).toBe(read('docs/envoy-fields.md'));
});

test('tunl help COMMAND prints what tunl COMMAND --help prints', async () => {
  for (const { name } of commands) expect(await print(['help', name])).toBe(await print([name, '--help']));
});

test('the help of each command starts with examples', () => {
  for (const { name } of commands) {
    const lines = read(`test/golden/help-${name}.txt`).split('\n');
    expect(lines.slice(1, 3)).toEqual(['', 'Examples:']);
  }
});
