// Measures README.md and the pages of docs/ and prints each fault: `node scripts/pages.mjs [ROOT]`.
//
// - A page has at most 300 lines, README.md at most 120. No line is longer than 120 characters; in pages of docs/, rows
//   of tables and lines of blocks may be. A page that a script generates whole has no limit.
// - Each block says above it whether a test runs it (`<!-- run: NAME -->`) or why none does (`<!-- illustration: WHY -->`).
//   No name comes twice on a page, and a test file that names the page finds the block by its name.
// - Commands to type stand in blocks.
// - Links lead to files and headings that are there, and README.md or another page links each page of docs/.
// - A page with four sections or more has a list of them, which `npm run generate` writes.
// - The package has every page.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const ownRoot = fileURLToPath(new URL('..', import.meta.url));

/** The longest line of prose, and the most lines of a page. */
const limits = { line: 120, lines: 300, readmeLines: 120 };

/** The pages that are generated whole. */
const generatedPages = new Set(['docs/envoy-fields.md']);

/**
 * A fenced block of a page: the line number of its fence, the language after it, the comment above it
 * (`run: NAME` or `illustration: WHY`), and what is in it.
 *
 * @typedef {{ line: number, language: string, mark: string | undefined, text: string }} Block
 */

/**
 * Lists the names of the pages: README.md and those of docs/.
 *
 * @param {string} [root]
 */
export function listPages(root = ownRoot) {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.toSorted().map((name) => `docs/${name}`)];
}

/**
 * Lists the fenced blocks of a text, in order.
 *
 * @param {string} text
 * @returns {Block[]}
 */
export function listBlocks(text) {
  const fenced = /(?:^<!-- (run: .+?|illustration: .+?) -->\n)?^```(.*)\n([^]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(({ index, 1: mark, 2: language = '', 3: block = '' }) => {
    const line = text.slice(0, index).split('\n').length + (mark === undefined ? 0 : 1);
    return { line, language, mark, text: block };
  });
}

/** Returns the name by which links lead to a heading, as GitHub makes it. */
function toAnchor(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Returns a text with its list of sections made anew, between `<!-- contents -->` and `<!-- end -->`.
 *
 * @param {string} text
 */
export function fillContents(text) {
  const sections = [...withoutBlocks(text).matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  const list = sections.map((heading) => `- [${heading}](#${toAnchor(heading)})\n`).join('');
  return text.replace(/(?<=^<!-- contents -->\n)[^]*?(?=^<!-- end -->$)/m, () => list);
}

/** Returns a text with the lines of its blocks left empty. */
function withoutBlocks(text) {
  return text.replaceAll(/^```.*\n[^]*?^```$/gm, (block) => block.replaceAll(/[^\n]+/g, ''));
}

function listHeadings(text) {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
}

function* measure(page, text) {
  const isReadme = page === 'README.md';
  const most = isReadme ? limits.readmeLines : limits.lines;
  const lines = text.split('\n');
  if (lines.length - 1 > most) yield `has ${lines.length - 1} lines; ${most} are enough`;
  const prose = isReadme ? lines : withoutBlocks(text).split('\n');
  for (const [index, line] of prose.entries()) {
    const isFree = !isReadme && line.startsWith('|');
    if ([...line].length > limits.line && !isFree) yield `line ${index + 1} has more than ${limits.line} characters`;
  }
}

function* checkBlocks(page, text, tests) {
  const names = new Set();
  for (const { line, mark } of listBlocks(text)) {
    if (mark === undefined) yield `line ${line}: nothing says whether a test runs this block`;
    const [, name] = /^run: (.+)$/.exec(mark ?? '') ?? [];
    if (name === undefined) continue;
    if (names.has(name)) yield `line ${line}: there are two blocks named ${name}`;
    names.add(name);
    const call = page === 'README.md' ? `findBlock('${name}')` : `findBlock('${name}', page)`;
    if (!tests.some((test) => test.includes(call) && (page === 'README.md' || test.includes(`'${page}'`))))
      yield `line ${line}: no test runs the block ${name}`;
  }
  for (const [index, line] of withoutBlocks(text).split('\n').entries()) {
    if (/^(?: {4,}|\t)(?:\$ |(?:tunl|npm|ssh|npx) [^─]*$)/.test(line))
      yield `line ${index + 1}: a command stands outside of a block`;
  }
}

function* checkLinks(root, page, text) {
  for (const [, target, anchor] of withoutBlocks(text).matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
    const path = target === '' ? page : join(dirname(page), target);
    if (!existsSync(join(root, path))) yield `the link to ${target} leads nowhere`;
    else if (
      anchor !== undefined &&
      !listHeadings(readFileSync(join(root, path), 'utf8'))
        .map(toAnchor)
        .includes(anchor)
    )
      yield `${path} has no heading for the link to #${anchor}`;
  }
}

function* checkContents(page, text) {
  const sections = [...withoutBlocks(text).matchAll(/^## /gm)].length;
  if (page !== 'README.md' && sections >= 4 && !text.includes('<!-- contents -->'))
    yield `has ${sections} sections and no list of them between <!-- contents --> and <!-- end -->`;
  if (fillContents(text) !== text) yield 'has an old list of its sections; npm run generate writes a new one';
}

function* checkPlace(root, page, linked) {
  if (page === 'README.md') return;
  if (!linked.has(page)) yield 'is linked from no page';
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (!files.includes('docs/*.md') && !files.includes(page)) yield 'is not in the package';
}

/** Returns the files that README.md and the pages link, each but from itself. */
function listLinked(root) {
  const links = listPages(root).flatMap((page) => {
    const targets = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#:]+)/g)].map(([, target]) => target);
    return targets.map((target) => join(dirname(page), target)).filter((path) => path !== page);
  });
  return new Set(links);
}

/** Returns the texts of the tests. */
function readTests(root) {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => readFileSync(join(root, 'test', path), 'utf8'));
}

/**
 * Lists the faults of all pages, each with its page.
 *
 * @param {string} [root]
 */
export function findFaults(root = ownRoot) {
  const [tests, linked] = [readTests(root), listLinked(root)];
  return listPages(root).flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const isGenerated = generatedPages.has(page);
    const faults = [
      ...(isGenerated ? [] : measure(page, text)),
      ...(isGenerated ? [] : checkContents(page, text)),
      ...checkBlocks(page, text, tests),
      ...checkLinks(root, page, text),
      ...checkPlace(root, page, linked),
    ];
    return faults.map((fault) => `${page}: ${fault}`);
  });
}

if (argv[1] !== undefined && relative(argv[1], fileURLToPath(import.meta.url)) === '') {
  const faults = findFaults(argv[2] === undefined ? ownRoot : resolve(argv[2]));
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
