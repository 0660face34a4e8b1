import { readFileSync } from 'node:fs';
import { listBlocks } from '../../scripts/pages.mjs';

/** A job: a comment that begins with its number, and the commands to type. */
export interface ReadmeJob {
  readonly number: number;
  readonly title: string;
  /** Its lines, including further comments. */
  readonly lines: readonly string[];
}

/** Returns the text of a page: README.md, or one of docs/. */
export function readPage(page: string): string {
  return readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
}

/** Returns the text of a block that a test runs. @throws {Error} if no block has that name */
export function findBlock(name: string, page = 'README.md'): string {
  const block = listBlocks(readPage(page)).find(({ mark }) => mark === `run: ${name}`);
  if (!block) throw new Error(`${page} has no block marked <!-- run: ${name} -->`);
  return block.text;
}

/** Lists the numbered jobs of a block. */
export function listJobs(block: string): ReadmeJob[] {
  return block.split(/^(?=# \d+ )/m).map((text) => {
    const [head = '', ...lines] = text.trimEnd().split('\n');
    const [, number, title = ''] = /^# (\d+) (.*)$/.exec(head) ?? [];
    return { number: Number(number), title, lines };
  });
}
