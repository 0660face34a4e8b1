import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { makeSubject, startDesk } from '../support/harness/admin-subject.ts';

test.each([
  ['127.0.0.1:9901', 200],
  ['127.0.0.1', 200],
  ['[::1]:9901', 200],
  ['localhost:9901', 200],
  ['LOCALHOST', 200],
  ['10.1.2.3:80', 200],
  ['admin.corp:9901', 200],
  ['evil.example', 403],
  ['evil.example:9901', 403],
  ['127.0.0.1.evil.example', 403],
  ['localhost.evil.example', 403],
  ['x.localhost', 403],
  ['127.1', 403],
  ['2130706433', 403],
  ['[evil]', 403],
  ['user@127.0.0.1', 403],
  ['127.0.0.1:9901x', 403],
])('asked by the name %s it answers %i', async (host, status) => {
  const { ask } = await startDesk(makeSubject(), { names: ['admin.corp'] });
  expect((await ask('/ready', { headers: { Host: host } })).status).toBe(status);
});

test('two hosts in one request are none', async () => {
  const { port } = await startDesk(makeSubject());
  const client = await connectPeer(port);
  client.send('GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n');
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 40[03] /);
});

test('a socket of the file system may be asked by any name', async () => {
  const { ask } = await startDesk(makeSubject(), { isSocketFile: true });
  expect((await ask('/ready', { headers: { Host: 'admin' } })).status).toBe(200);
});

test.each([
  [{ Origin: 'http://evil.example' }, 403],
  [{ Origin: 'null' }, 403],
  [{ Origin: 'https://127.0.0.1:9901' }, 403],
  [{ Origin: 'http://127.0.0.1:9902' }, 403],
  [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
  [{ 'Sec-Fetch-Site': 'same-site' }, 403],
  [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document' }, 403],
  [{ Origin: 'http://127.0.0.1:9901', 'Sec-Fetch-Site': 'same-origin' }, 200],
  [{ 'Sec-Fetch-Site': 'none' }, 200],
  [{}, 200],
])('an order with %j is answered with %i', async (headers, status) => {
  const subject = makeSubject();
  const { ask } = await startDesk(subject);
  const options = { method: 'POST', headers: { Host: '127.0.0.1:9901', ...headers } };
  expect((await ask('/quitquitquit', options)).status).toBe(status);
  await eventually(() => subject.orders, status === 200 ? ['quit'] : []);
});

test.each([
  [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image' }, 403],
  [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' }, 403],
  [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document' }, 200],
  [{ Origin: 'http://evil.example' }, 403],
])('a page of another site reads nothing with %j: %i', async (headers, status) => {
  const { ask } = await startDesk(makeSubject());
  const answer = await ask('/tunnels', { headers });
  expect(answer.status).toBe(status);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test('every answer keeps other sites out, and the page lets in nothing but itself', async () => {
  const { ask } = await startDesk(makeSubject());
  const usual = { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' };
  for (const path of ['/', '/ready', '/tunnels', '/graph', '/nowhere']) {
    expect((await ask(path)).headers, path).toMatchObject(usual);
  }
  const policy = String((await ask('/')).headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toMatch(/script-src(?: 'sha256-[^']+')+;/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});
