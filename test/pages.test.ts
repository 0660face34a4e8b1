import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fillContents, findFaults, listBlocks, listPages } from '../scripts/pages.mjs';
import { listOptions } from '../src/cli/parse/program.ts';
import { commands } from './support/harness/command-line.ts';
import { readPage } from './support/readme.ts';
import { makeTempFolder } from './support/temp.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the pages have no fault', () => {
  expect(findFaults()).toEqual([]);
});

/** The options of `npm run bench`. */
function listBenchOptions(): string[] {
  const text = readFileSync(`${root}test/bench/run.mjs`, 'utf8');
  return [...text.matchAll(/^ +(\w+): \{ type: '/gm)].map(([, name]) => `--${name}`);
}

test.each(listPages())('%s names only options that there are', (page) => {
  const text = readPage(page);
  const known = new Set([
    '--version',
    ...(page === 'docs/bench.md' ? listBenchOptions() : []),
    // An option of Node.
    ...(page === 'docs/envoy-fields.md' ? ['--tls-cipher-list'] : []),
    ...commands.flatMap((command) => listOptions(command).map(({ name }) => `--${name}`)),
  ]);
  const outside = listBlocks(text).reduce((rest, block) => rest.replace(block.text, ''), text);
  const named = [...outside.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([option]) => option);
  expect([...new Set(named)].filter((option) => !known.has(option))).toEqual([]);
});

test.each([
  ['unmarked', 'text\n```sh\nls\n```\n', undefined, 2],
  ['marked', '<!-- run: it -->\n```sh\nls\n```\n', 'run: it', 2],
  ['marked elsewhere', '<!-- run: it -->\n\n```sh\nls\n```\n', undefined, 3],
  ['marked as something else', '<!-- generated: it -->\n```sh\nls\n```\n', undefined, 2],
])('a block that is %s is seen as that', (_how, text, mark, line) => {
  expect(listBlocks(text)).toEqual([{ line, language: 'sh', mark, text: 'ls\n' }]);
});

/** Returns what is found in a repository of these files, which is right without them. */
function measure(files: Readonly<Record<string, string>>): readonly string[] {
  const folder = makeTempFolder();
  const usual = {
    'README.md': '# x\n\n[page](docs/page.md)\n',
    'docs/page.md': '# page\n',
    'test/some.test.ts': "const page = 'docs/page.md';\nfindBlock('it', page);\nfindBlock('top');\n",
    'package.json': '{ "files": ["docs/*.md"] }',
  };
  for (const [path, text] of Object.entries({ ...usual, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return findFaults(folder);
}

const block = (mark: string) => `<!-- ${mark} -->\n\`\`\`sh\nls\n\`\`\`\n`;
const wide = 'x'.repeat(121);

test.each([
  ['nothing but the usual', {}],
  ['blocks with a test and a reason', { 'docs/page.md': `${block('run: it')}${block('illustration: no server')}` }],
  ['a block of the README with a test', { 'README.md': `[page](docs/page.md)\n${block('run: top')}` }],
  ['a wide row and a wide block', { 'docs/page.md': `| ${wide} |\n\n${block('run: it').replace('ls', wide)}` }],
  ['a link to a heading', { 'docs/page.md': '[there](#a-b---c-and-d)\n\n## A `b --c` and d\n' }],
  [
    'four sections with a list',
    { 'docs/page.md': fillContents('<!-- contents -->\n<!-- end -->\n## a\n## b\n## c\n## d\n') },
  ],
])('%s is right', (_, files) => {
  expect(measure(files)).toEqual([]);
});

test.each([
  ['a block without a mark', { 'docs/page.md': '```sh\nls\n```\n' }, 'line 1: nothing says whether a test runs'],
  ['a block without a test', { 'docs/page.md': block('run: other') }, 'line 2: no test runs the block other'],
  [
    'a block whose test runs another page',
    { 'docs/page.md': block('run: it'), 'test/some.test.ts': "findBlock('it', page);\n" },
    'no test runs the block it',
  ],
  ['a name that comes twice', { 'docs/page.md': block('run: it').repeat(2) }, 'two blocks named it'],
  ['a command in the text', { 'docs/page.md': '    $ tunl\n' }, 'line 1: a command stands outside of a block'],
  ['a wide line', { 'docs/page.md': `${wide}\n` }, 'line 1 has more than 120 characters'],
  ['a wide row of the README', { 'README.md': `[page](docs/page.md)\n| ${wide} |\n` }, 'README.md: line 2 has more'],
  ['a long page', { 'docs/page.md': '\n'.repeat(301) }, 'has 301 lines; 300 are enough'],
  ['a long README', { 'README.md': `[page](docs/page.md)${'\n'.repeat(121)}` }, 'has 121 lines; 120 are enough'],
  ['a link to nothing', { 'docs/page.md': '[x](other.md)\n' }, 'the link to other.md leads nowhere'],
  ['a link to no heading', { 'docs/page.md': '[x](../README.md#y)\n' }, 'README.md has no heading for the link to #y'],
  ['sections without a list', { 'docs/page.md': '## a\n## b\n## c\n## d\n' }, 'has 4 sections and no list of them'],
  ['an old list', { 'docs/page.md': '<!-- contents -->\n<!-- end -->\n## a\n' }, 'has an old list of its sections'],
  ['a page that nothing leads to', { 'docs/page.md': '# page\n', 'README.md': '# x\n' }, 'is linked from no page'],
  ['a page that is not packed', { 'package.json': '{ "files": [] }' }, 'is not in the package'],
])('%s is found', (_, files, message) => {
  expect(measure(files)).toEqual([expect.stringContaining(message)]);
});
