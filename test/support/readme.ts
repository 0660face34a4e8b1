import { readFileSync } from 'node:fs';

/** A fenced block of README.md. */
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

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** Every fenced block, in order. */
export function listBlocks(text: string = readme): ReadmeBlock[] {
  const fenced = /(?:^<!-- (run: .+?|illustration: .+?) -->\n)?^```(.*)\n([^]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(({ index, 1: mark, 2: language = '', 3: block = '' }) => {
    const line = text.slice(0, index).split('\n').length + (mark === undefined ? 0 : 1);
    return { line, language, mark, text: block };
  });
}

/** The text of a block that a test runs. @throws {Error} when there is none of that name */
export function findBlock(name: string): string {
  const block = listBlocks().find(({ mark }) => mark === `run: ${name}`);
  if (!block) throw new Error(`README.md has no block marked <!-- run: ${name} -->`);
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
