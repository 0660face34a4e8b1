import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseHeaders } from '../../src/syntax/header.ts';
import { makeTempFolder } from '../support/temp.ts';
import { refusalOf } from '../support/usage.ts';

function write(text: string): { readonly folder: string; readonly path: string } {
  const folder = makeTempFolder();
  writeFileSync(join(folder, 'headers'), text);
  return { folder, path: join(folder, 'headers') };
}

test('a file has one header a line, with empty lines passed over', () => {
  const { path, folder } = write('Proxy-Authorization: Bearer s3cret\r\n\nX-Team:db \n');
  const fields = [
    ['Proxy-Authorization', 'Bearer s3cret'],
    ['X-Team', 'db'],
  ];
  expect(parseHeaders(`@${path}`, '--proxy-header')).toEqual(fields);
  expect(parseHeaders('@headers', 'via', folder)).toEqual(fields);
});

test('a header that is written out is one', () => {
  expect(parseHeaders('X-Team: @db', '--proxy-header')).toEqual([['X-Team', '@db']]);
});

test.each([
  ['a token alone', 's3cret', 'line 1 of "PATH" is not a header'],
  ['a token with a colon in it', 's3c ret:s3cret', 'line 1 of "PATH" is not a header'],
  ['a line that goes on', 'X-Team: db\n s3cret: s3cret', 'line 2 of "PATH" is not a header'],
  ['a control character', 'X-Team: s3cret\0', 'the value of X-Team holds a control character'],
  ['a field that is ours', 'Content-Length: 5', 'Content-Length is set by tunl itself'],
  ['nothing', '\n\n', '"PATH" holds no header'],
])('a file with %s is refused, and nothing of it is told', (_what, text, message) => {
  const { path } = write(text);
  const refusal = refusalOf(() => parseHeaders(`@${path}`, '--proxy-header'));
  expect(refusal.message.replace(path, 'PATH')).toBe(`--proxy-header: ${message}`);
  expect(`${refusal.message} ${refusal.hints.join(' ')}`).not.toContain('s3c');
});

test.each([
  ['@/nonexistent/headers', '--proxy-header: cannot read "/nonexistent/headers": no such file'],
  ['@-', '--proxy-header: stdin is not read for headers'],
])('%s cannot be read', (text, message) => {
  expect(refusalOf(() => parseHeaders(text, '--proxy-header')).message).toBe(message);
});
