import { readFileSync } from 'node:fs';

/** A fenced block of a page. */
export interface ReadmeBlock {
  /** The line of its fence. */
  readonly line: number;
  /** The language behind the fence. */
  readonly language: string;
  /** What the comment above it says: `run: NAME` or `illustration: WHY`. */
  readonly mark: string | undefined;
  readonly text: string;
}

/** A job: a comment that begins with its number, and what is to be typed. */
export interface ReadmeJob {
  readonly number: number;
  readonly title: string;
  /** Its lines, further comments included. */
  readonly lines: readonly string[];
}

/** The pages whose blocks tests run. */
export const pages = ['README.md', 'docs/from-laptop-to-mesh.md', 'docs/library.md', 'docs/half-close.md'] as const;

/** One of them. */
export type Page = (typeof pages)[number];

/** The text of a page. */
export function readPage(page: Page): string {
  return readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
}

/** Every fenced block, in order. */
export function listBlocks(text: string = readPage('README.md')): ReadmeBlock[] {
  const fenced = /(?:^<!-- (run: .+?|illustration: .+?) -->\n)?^```(.*)\n([^]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(({ index, 1: mark, 2: language = '', 3: block = '' }) => {
    const line = text.slice(0, index).split('\n').length + (mark === undefined ? 0 : 1);
    return { line, language, mark, text: block };
  });
}

/** The text of a block that a test runs. @throws {Error} when there is none of that name */
export function findBlock(name: string, page: Page = 'README.md'): string {
  const block = listBlocks(readPage(page)).find(({ mark }) => mark === `run: ${name}`);
  if (!block) throw new Error(`${page} has no block marked <!-- run: ${name} -->`);
  return block.text;
}

/** The numbered jobs of the block that is marked so. */
export function listJobs(): ReadmeJob[] {
  return findBlock('jobs')
    .split(/^(?=# \d+ )/m)
    .map((text) => {
      const [head = '', ...lines] = text.trimEnd().split('\n');
      const [, number, title = ''] = /^# (\d+) (.*)$/.exec(head) ?? [];
      return { number: Number(number), title, lines };
    });
}
