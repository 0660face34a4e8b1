import { expect, test } from 'vitest';
import {
  formatStatusLine,
  hasPageHead,
  isWebRequest,
  mayBeWeb,
  recogniseWeb,
} from '../../../src/http/tunnel/web-answer.ts';

test.each([
  ['HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n', 'answer', 'HTTP/1.1 400 Bad Request'],
  ['HTTP/1.0 200 OK\n', 'answer', 'HTTP/1.0 200 OK'],
  ['HTTP/1.1 400 \u001b[2J"\u00e4\r\n', 'answer', 'HTTP/1.1 400 ?[2J??'],
  [`HTTP/1.1 400 ${'x'.repeat(300)}`, 'answer', `HTTP/1.1 400 ${'x'.repeat(187)}`],
  ['<!DOCTYPE html>\n<html>', 'page', '<!DOCTYPE html>'],
  ['\r\n  <html lang="en"><head>', 'page', '<html lang=?en?><head>'],
])('recognises %j', (text, kind, line) => {
  expect(recogniseWeb(Buffer.from(text, 'latin1'))).toEqual({ kind, line });
});

test.each([
  'SSH-2.0-OpenSSH_9.2p1\r\n',
  '220 mail ESMTP\r\n',
  '<stream:stream',
  '<?xml version="1.0"?>',
  '',
  'HTT',
  '\0',
])('takes %j for what it is', (text) => {
  expect(recogniseWeb(Buffer.from(text))).toBeUndefined();
});

test.each([
  ['', true],
  ['HTT', true],
  ['<!doc', true],
  ['SSH', false],
  ['HTP', false],
  ['<stream:', false],
])('%j may still become one: %s', (text, may) => {
  expect(mayBeWeb(Buffer.from(text))).toBe(may);
});

test.each([
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', true],
  ['POST http://a/ HTTP/1.0\n\n', true],
  ['M-SEARCH * HTTP/1.1\r\n', true],
  ['G', true],
  ['GET /half-of-it', true],
  ['GET / HTT', true],
  ['SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', false],
  ['SSH-2.0-x\r\n', false],
  ['\u0016\u0003\u0001\u0002', false],
  ['EHLO me\r\n', false],
  ['GET /\r\n', false],
  ['\0\0\0\u0008\u0004', false],
])('%j is a request: %s', (text, is) => {
  expect(isWebRequest(text)).toBe(is);
});

test.each([
  [[], false],
  [[['content-length', '0']], false],
  [[['content-type', 'text/html']], false],
  [[['content-length', '612']], true],
  [[['transfer-encoding', 'chunked']], true],
] as const)('a head with %j announces a page: %s', (headers, has) => {
  expect(hasPageHead({ status: 200, reason: 'OK', headers })).toBe(has);
});

test('the status line of a head is printable and not long', () => {
  expect(formatStatusLine({ status: 200, reason: '', headers: [] })).toBe('HTTP/1.1 200');
  expect(formatStatusLine({ status: 200, reason: '\u001b]0;"', headers: [] })).toBe('HTTP/1.1 200 ?]0;?');
  expect(formatStatusLine({ status: 200, reason: 'x'.repeat(300), headers: [] })).toHaveLength(200);
});
