import { expect, test } from 'vitest';
import { type Block, formatPage } from '../../../../src/cli/docs/manual/roff.ts';

const head = { name: 'tunl', date: '2026-01-02', source: 'tunl 1.2.3' };

function format(...blocks: Block[]): string[] {
  const page = formatPage(head, [{ title: 'TEXT', blocks }]);
  return page.split('\n').slice(2, -1);
}

test('a page begins with its name, date and source', () => {
  expect(formatPage(head, [])).toBe('.TH "TUNL" "1" "2026-01-02" "tunl 1.2.3" "User Commands"\n');
});

test('sections are in capitals, parts of them are not', () => {
  const titles = ['NAME', 'Schemes'].map((title) => formatPage(head, [{ title, blocks: [] }]).split('\n')[1]);
  expect(titles).toEqual(['.SH "NAME"', '.SS "Schemes"']);
});

test('a sentence begins a line, and what is literal is bold', () => {
  expect(format('One. Two has `--port-file`.', 'Three')).toEqual([
    'One.',
    'Two has \\fB\\-\\-port\\-file\\fR.',
    '.PP',
    'Three',
  ]);
});

test('a long sentence is folded between words', () => {
  const lines = format('word '.repeat(40).trim());
  expect(lines.join(' ')).toBe('word '.repeat(40).trim());
  expect(lines.every((line) => line.length <= 80)).toBe(true);
});

test('what is typed stays as it is', () => {
  expect(format({ code: ["a 'b' `c` ~ ^ \\ -x", '.d'] })).toEqual([
    '.RS 4',
    '.EX',
    'a \\(aqb\\(aq \\(gac\\(ga \\(ti \\(ha \\(rs \\-x',
    '\\&.d',
    '.EE',
    '.RE',
  ]);
});

test.each([
  ["'quoted", "\\&'quoted"],
  ['.netrc', '\\&.netrc'],
  ['(-x) or --direct, read-only', '(\\-x) or \\-\\-direct, read-only'],
])('%s does nothing to the page', (text, line) => {
  expect(format(text)).toEqual([line]);
});

test('a term stands above its text', () => {
  expect(format({ term: '`-q`', text: 'say nothing' })).toEqual(['.TP', '\\fB\\-q\\fR', 'say nothing']);
});
