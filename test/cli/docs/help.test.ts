import { spawnSync } from 'node:child_process';
import stringWidth from 'fast-string-width';
import { describe, expect, test } from 'vitest';
import { wrapShellLine } from '../../../src/cli/docs/shell-line.ts';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { commands } from '../../support/harness/command-line.ts';

const pages: readonly (readonly string[])[] = [
  ['--help'],
  ['help', 'exit-codes'],
  ...commands.flatMap(({ name }) => [
    [name, '--help'],
    [name, '--help-all'],
  ]),
];

async function print(words: readonly string[], columns: number): Promise<string> {
  const io = makeIo({ terminal: true, columns });
  expect(await run(words, io)).toBe(0);
  return io.out();
}

/** The text without what the width decides: line ends, the marks of comments and of lines that go on, quotes. */
const flatten = (text: string) =>
  text
    .replaceAll(/ \\\n/g, ' ')
    .replaceAll(/\n +# /g, ' ')
    .replaceAll(/["'\s]+/g, ' ');

describe.each(pages)('the help of %s %s', (...words) => {
  const all = words.filter((word) => word !== undefined);

  test.each([40, 60, 80, 100, 200])('fits on %i columns and says the same', async (columns) => {
    const text = await print(all, columns);
    const widest = Math.min(columns, 100);
    expect(text.split('\n').filter((line) => stringWidth(line) > widest)).toEqual([]);
    expect(flatten(text)).toBe(flatten(await print(all, 100)));
  });
});

test('is as wide at 200 columns as at 100', async () => {
  for (const words of pages) expect(await print(words, 200)).toBe(await print(words, 100));
});

test('takes the columns of a pager from stderr, then from COLUMNS, and else 80', async () => {
  const narrow = await print(['connect', '--help'], 60);
  const piped = makeIo({ env: { COLUMNS: '60' } });
  expect([await run(['connect', '--help'], piped), piped.out()]).toEqual([0, narrow]);
  const pager = makeIo();
  pager.stderr.columns = 60;
  expect([await run(['connect', '--help'], pager), pager.out()]).toEqual([0, narrow]);
  const unknown = makeIo({ env: { COLUMNS: 'wide' } });
  expect([await run(['connect', '--help'], unknown), unknown.out()]).toEqual([
    0,
    await print(['connect', '--help'], 80),
  ]);
});

test.each(commands)('tunl $name --help shows the common options, --help-all those of the manual', async (command) => {
  const { name, groups, common } = command;
  const all = groups.flatMap(({ options }) => options.map((option) => option.name));
  const read = async (option: string) =>
    [...(await print([name, option], 100)).matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)/gm)].map(([, found]) => found);
  expect(await read('--help-all')).toEqual(all);
  const shown = await read('--help');
  expect(shown).toEqual(common ? [...common.map((option) => option.name), ...all.slice(-5)] : all);
  // More than this is for --help-all.
  expect(shown.length).toBeLessThanOrEqual(18);
  for (const each of shown) expect(all).toContain(each);
});

test('tunl alone prints the overview on stderr, as an error of use', async () => {
  const io = makeIo({ terminal: true, columns: 80 });
  expect(await run([], io)).toBe(2);
  expect(io.out()).toBe('');
  expect(io.said()).toBe(await print(['--help'], 80));
  expect(io.said().match(/^ {2}# /gm)).toHaveLength(3);
  for (const { name } of commands) expect(io.said()).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test.each([
  "printf '<%s>' -o ProxyCommand='tunl connect -x http://proxy:3128 %h:%p' host",
  "printf '<%s>' --allow '*.example.com:443,22' -x http://proxy:3128 'a quoted word, with  blanks'",
  "printf '<%s>' '$HOME and \"more\" that no double quotes may hold' b",
])('a shell reads a wrapped line as the whole one: %s', (line) => {
  const ask = (text: string) => spawnSync('sh', ['-c', text], { encoding: 'utf8' }).stdout;
  const whole = ask(line);
  expect(whole).toContain('><');
  for (const columns of [20, 30, 40, 50, 60, 70, 80]) {
    expect(ask(wrapShellLine(line, columns, '  ').join('\n'))).toBe(whole);
  }
});
