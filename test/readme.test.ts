import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { commands } from '../src/cli/commands/index.ts';
import { listOptions } from '../src/cli/program.ts';
import { listBlocks } from './support/readme.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

/** The text of every test. */
function readTests(): string {
  const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' });
  return files
    .flatMap((path) => (path.endsWith('.test.ts') ? readFileSync(`${root}test/${path}`, 'utf8') : []))
    .join('');
}

describe('README.md', () => {
  test('says of each block whether a test runs it', () => {
    expect(listBlocks().filter(({ mark }) => mark === undefined)).toEqual([]);
    expect(listBlocks().length).toBeGreaterThan(3);
  });

  test('has tests for the blocks that it says are run, and runs no block twice', () => {
    const tests = readTests();
    const names = listBlocks().flatMap(({ mark }) => /^run: (.+)$/.exec(mark ?? '')?.[1] ?? []);
    expect(names).toEqual([...new Set(names)]);
    const uses = (name: string) =>
      tests.includes(`findBlock('${name}')`) || (name === 'jobs' && tests.includes('listJobs()'));
    expect(names.filter((name) => !uses(name))).toEqual([]);
  });

  test('has no command outside of a block', () => {
    expect(readme.split('\n').filter((line) => /^(?: {4,}|\t)(?:\$ |(?:tunl|npm|ssh|npx) [^─]*$)/.test(line))).toEqual(
      [],
    );
  });

  test('links to files that are there', () => {
    const targets = [...readme.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(root + target))).toEqual([]);
    expect(targets.length).toBeGreaterThan(0);
  });

  test('names only options that there are', () => {
    const known = new Set([
      '--version',
      ...commands.flatMap((command) => listOptions(command).map(({ name }) => `--${name}`)),
    ]);
    const outside = listBlocks().reduce((text, block) => text.replace(block.text, ''), readme);
    const named = [...outside.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([option]) => option);
    expect([...new Set(named)].filter((option) => !known.has(option))).toEqual([]);
  });

  test('has at most 300 lines', () => {
    expect(readme.split('\n').length - 1).toBeLessThanOrEqual(300);
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
