import { expect, test } from 'vitest';
import { linkPair, resetError } from '../../../src/core/link.ts';
import type { ResponseHead } from '../../../src/http/wire/message.ts';
import { readRefusalBody } from '../../../src/http/tunnel/refusal-body.ts';

const head = (length?: number): ResponseHead => ({
  status: 403,
  reason: '',
  headers: length === undefined ? [] : [['content-length', String(length)]],
});

test('the body of a refusal is read up to its Content-Length, on a connection that stays open', async () => {
  const [near, far] = linkPair();
  far.stream.write('denied and more');
  expect(await readRefusalBody(near.stream, head(6))).toContain('denied');
});

test('the body of a refusal is read up to the end of the stream', async () => {
  const [near, far] = linkPair();
  far.stream.write('den');
  far.stream.end('ied');
  expect(await readRefusalBody(near.stream, head())).toBe('denied');
});

test('the body of a refusal is what had come when the stream is reset', async () => {
  const [near, far] = linkPair();
  const reading = readRefusalBody(near.stream, head(100));
  far.stream.write('den', () => far.reset(resetError('gone')));
  expect(await reading).toBe('den');
});

test('the body of a refusal is empty where there is none', async () => {
  const [near] = linkPair();
  expect(await readRefusalBody(near.stream, head(0))).toBe('');
});

test('the body of a refusal is read up to 8 KiB', async () => {
  const [near, far] = linkPair();
  far.stream.write('x'.repeat(20_000));
  expect(await readRefusalBody(near.stream, head())).toHaveLength(8192);
});

test('the body of a refusal is not waited for when it does not come', async () => {
  const [near, far] = linkPair();
  far.stream.write('slow');
  expect(await readRefusalBody(near.stream, head(100))).toBe('slow');
});

test.each([
  ['to its last chunk', '4\r\nden.\r\n3;x=y\r\nied\r\n0\r\n\r\nmore', 'den.ied'],
  ['as far as it comes', 'ff\r\nden', 'den'],
  ['as it is, where it is none', '<p>denied</p>\r\n', '<p>denied</p>\r\n'],
])('the body of a refusal in chunks is read %s', async (_, sent, text) => {
  const [near, far] = linkPair();
  far.stream.end(sent);
  const headers = [['transfer-encoding', 'chunked']] as const;
  expect(await readRefusalBody(near.stream, { status: 403, reason: '', headers })).toBe(text);
});
