import { expect, test } from 'vitest';
import { findNetrcPassword, parseNetrc } from '../../../src/cli/options/netrc.ts';

const find = (text: string, host = 'proxy.corp', user = 'me') =>
  findNetrcPassword({ path: 'netrc', entries: parseNetrc(text) }, host, user)?.reveal();

test.each([
  ['on one line', 'machine proxy.corp login me password s3cret', 's3cret'],
  ['on several lines', 'machine proxy.corp\n\tlogin me\r\n\tpassword s3cret\r\n', 's3cret'],
  ['in capitals', 'MACHINE Proxy.Corp LOGIN me PASSWORD s3cret', 's3cret'],
  ['with the password first', 'machine proxy.corp password s3cret login me', 's3cret'],
  ['without a login', 'machine proxy.corp password s3cret', 's3cret'],
  ['with an account', 'machine proxy.corp login me account password password s3cret', 's3cret'],
  ['among others', 'machine a login me password 1\nmachine proxy.corp login me password 2\nmachine b password 3', '2'],
  ['of another user before', 'machine proxy.corp login you password 1\nmachine proxy.corp login me password 2', '2'],
  ['twice', 'machine proxy.corp login me password 1\nmachine proxy.corp login me password 2', '1'],
  ['as default', 'machine a login me password 1\ndefault login me password 2', '2'],
  ['as default for anybody', 'default password 2', '2'],
])('finds an entry %s', (_how, text, password) => {
  expect(find(text)).toBe(password);
});

test.each([
  ['nothing', ''],
  ['another machine', 'machine a.proxy.corp login me password x'],
  ['another user', 'machine proxy.corp login you password x'],
  ['a user in another case', 'machine proxy.corp login ME password x'],
  ['no password', 'machine proxy.corp login me'],
  ['no entry around it', 'login me password x'],
  ['a default for another user', 'default login anonymous password me@example.com'],
])('finds nothing in %s', (_what, text) => {
  expect(find(text)).toBeUndefined();
});

test.each([
  ['pa#ss', 'pa#ss'],
  ['#ss', '#ss'],
  ['"with blanks"', 'with blanks'],
  ['"a \\" and a \\\\"', 'a " and a \\'],
  ['"\\t\\x"', '\tx'],
  ['"two\nlines"', 'two\nlines'],
  ['"# no comment"', '# no comment'],
  ['back\\slash', 'back\\slash'],
  ['mid"quote', 'mid"quote'],
  ['machine', 'machine'],
  ['grüß', 'grüß'],
])('reads the password %s', (written, password) => {
  expect(find(`machine proxy.corp login me password ${written}\nmachine b login c password d`)).toBe(password);
});

test('passes over comments, macros and words that mean nothing', () => {
  const text = `# machine proxy.corp login me password 1
machine a # login me password 2
macdef init
machine proxy.corp login me password 3
default login me password 4

port 80 machine proxy.corp protocol http login me # password 5
  password 6`;
  expect(find(text)).toBe('6');
});

test('a macro without an end takes the rest', () => {
  expect(find('macdef x\nmachine proxy.corp login me password 1\n')).toBeUndefined();
});

test('a quote without an end is a part of the word', () => {
  expect(find('machine proxy.corp login me password "open\n')).toBe('"open');
});

test('the parsed entries do not print their passwords', () => {
  expect(JSON.stringify(parseNetrc('machine a login b password s3cret'))).not.toContain('s3cret');
});
