import { readFileSync } from 'node:fs';

/** A fenced block of a page. */
export interface ReadmeBlock {
  /** The line number of its fence. */
  readonly line: number;
  /** The language after the fence. */
  readonly language: string;
  /** The comment above it: `run: NAME` or `illustration: WHY`. */
  readonly mark: string | undefined;
  readonly text: string;
}

/** A job: a comment that begins with its number, and the commands to type. */
export interface ReadmeJob {
  readonly number: number;
  readonly title: string;
  /** Its lines, including further comments. */
  readonly lines: readonly string[];
}

/** The pages whose blocks tests run, or that say why not. */
export const pages = [
  'README.md',
  'docs/from-laptop-to-mesh.md',
  'docs/library.md',
  'docs/half-close.md',
  'docs/authentication.md',
  'docs/pac.md',
  'docs/plain-requests.md',
  'docs/check.md',
  'docs/fronts.md',
  'docs/bench.md',
] as const;

/** One of these pages. */
export type Page = (typeof pages)[number];

/** Returns the text of a page. */
export function readPage(page: Page): string {
  return readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
}

/** Lists the fenced blocks of a page, in order. */
export function listBlocks(text: string = readPage('README.md')): ReadmeBlock[] {
  const fenced = /(?:^<!-- (run: .+?|illustration: .+?) -->\n)?^```(.*)\n([^]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(({ index, 1: mark, 2: language = '', 3: block = '' }) => {
    const line = text.slice(0, index).split('\n').length + (mark === undefined ? 0 : 1);
    return { line, language, mark, text: block };
  });
}

/** Returns the text of a block that a test runs. @throws {Error} if no block has that name */
export function findBlock(name: string, page: Page = 'README.md'): string {
  const block = listBlocks(readPage(page)).find(({ mark }) => mark === `run: ${name}`);
  if (!block) throw new Error(`${page} has no block marked <!-- run: ${name} -->`);
  return block.text;
}

/** Lists the numbered jobs of the block with this name. */
export function listJobs(): ReadmeJob[] {
  return findBlock('jobs')
    .split(/^(?=# \d+ )/m)
    .map((text) => {
      const [head = '', ...lines] = text.trimEnd().split('\n');
      const [, number, title = ''] = /^# (\d+) (.*)$/.exec(head) ?? [];
      return { number: Number(number), title, lines };
    });
}
