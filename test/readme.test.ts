import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listOptions } from '../src/cli/parse/program.ts';
import { listBlocks, pages, readPage } from './support/readme.ts';
import { commands } from './support/harness/command-line.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The text of every test. */
function readTests(): string {
  const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' });
  return files
    .flatMap((path) => (path.endsWith('.test.ts') ? readFileSync(`${root}test/${path}`, 'utf8') : []))
    .join('');
}

/** The options of `npm run bench`. */
function listBenchOptions(): string[] {
  const text = readFileSync(`${root}test/bench/run.mjs`, 'utf8');
  return [...text.matchAll(/^ +(\w+): \{ type: '/gm)].map(([, name]) => `--${name}`);
}

describe.each(pages)('%s', (page) => {
  const text = readPage(page);
  const blocks = listBlocks(text);

  test('says of each block whether a test runs it', () => {
    expect(blocks.filter(({ mark }) => mark === undefined)).toEqual([]);
    expect(blocks.length).toBeGreaterThan(0);
  });

  test('has tests for the blocks that it says are run, and runs no block twice', () => {
    const tests = readTests();
    const names = blocks.flatMap(({ mark }) => /^run: (.+)$/.exec(mark ?? '')?.[1] ?? []);
    expect(names).toEqual([...new Set(names)]);
    const more = page === 'README.md' ? '' : ', page';
    const uses = (name: string) =>
      tests.includes(`findBlock('${name}'${more})`) || (name === 'jobs' && tests.includes('listJobs()'));
    expect(names.filter((name) => !uses(name))).toEqual([]);
  });

  test('has no command outside of a block', () => {
    expect(text.split('\n').filter((line) => /^(?: {4,}|\t)(?:\$ |(?:tunl|npm|ssh|npx) [^─]*$)/.test(line))).toEqual(
      [],
    );
  });

  test('links to files that are there', () => {
    const targets = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(`${root}${dirname(page)}/${target}`))).toEqual([]);
    expect(targets.length).toBeGreaterThan(0);
  });

  test('names only options that there are', () => {
    const known = new Set([
      '--version',
      ...(page === 'docs/bench.md' ? listBenchOptions() : []),
      ...commands.flatMap((command) => listOptions(command).map(({ name }) => `--${name}`)),
    ]);
    const outside = blocks.reduce((rest, block) => rest.replace(block.text, ''), text);
    const named = [...outside.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([option]) => option);
    expect([...new Set(named)].filter((option) => !known.has(option))).toEqual([]);
  });

  test('has at most 300 lines', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(300);
  });
});

test.each([
  ['unmarked', 'text\n```sh\nls\n```\n', undefined, 2],
  ['marked', '<!-- run: it -->\n```sh\nls\n```\n', 'run: it', 2],
  ['marked elsewhere', '<!-- run: it -->\n\n```sh\nls\n```\n', undefined, 3],
  ['marked as something else', '<!-- generated: it -->\n```sh\nls\n```\n', undefined, 2],
])('a block that is %s is seen as that', (_how, text, mark, line) => {
  expect(listBlocks(text)).toEqual([{ line, language: 'sh', mark, text: 'ls\n' }]);
});
