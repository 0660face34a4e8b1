import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { formatAddress } from '../../../src/core/address.ts';
import { calmLimits, startTestServe } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { type ProxyBed, startProxyBed } from '../../support/harness/proxy-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

const single = { user: 'alice', password: 'open:sesame' };
const encode = (text: string) => Buffer.from(text).toString('base64');
const right = `Proxy-Authorization: Basic ${encode('alice:open:sesame')}\r\n`;

const startBed = () => startProxyBed({ users: { single }, controlFields: right });
const askWith = (bed: ProxyBed, fields: string) =>
  bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);

test('without credentials the answer is 407 with a challenge, and the connection closes', async () => {
  const bed = await startBed();
  const { status, head, body } = await askWith(bed, '');
  expect(status).toBe(407);
  expect(head).toMatch(/^Proxy-Authenticate: Basic realm="tunl", charset="UTF-8"\r$/m);
  expect(head).toMatch(/^Proxy-Status: tunl; error=http_request_error\r$/m);
  expect(head).toMatch(/^Connection: close\r$/m);
  expect(body).toBe('tunl: credentials are required\n');
  await bed.expectUnharmed();
});

test('an unknown user and a wrong password get the same bytes', async () => {
  const bed = await startBed();
  const answers = await Promise.all(
    ['alice:wrong', 'bob:open:sesame', 'bob:wrong', ':', 'alice:'].map((text) =>
      askWith(bed, `Proxy-Authorization: Basic ${encode(text)}\r\n`),
    ),
  );
  for (const answer of answers) expect(answer).toEqual(await askWith(bed, ''));
  await bed.expectUnharmed();
});

test.each([
  ['base64url', `Basic ${encode('alice:open:sesame').replaceAll('=', '')}`],
  ['no base64', 'Basic !!!!'],
  ['no colon', `Basic ${encode('alice')}`],
  ['NUL in the user', `Basic ${encode('ali\u0000ce:open:sesame')}`],
  ['a control character in the password', `Basic ${encode('alice:open:sesame\u0007')}`],
  ['a token of 8 KiB', `Basic ${encode('a'.repeat(6100))}`],
  ['another scheme', `Bearer ${encode('alice:open:sesame')}`],
  ['Digest', 'Digest username="alice", realm="tunl"'],
  ['nothing', ''],
])('credentials that are %s are 407, or 400', async (_, value) => {
  const bed = await startBed();
  const { status } = await askWith(bed, `Proxy-Authorization: ${value}\r\n`);
  expect([407, 400]).toContain(status);
  await bed.expectUnharmed();
});

test.each([
  ['in two fields', right + right],
  ['joined by a comma', `${right.trimEnd()}, Basic ${encode('alice:open:sesame')}\r\n`],
])('credentials %s are 400', async (_, fields) => {
  const bed = await startBed();
  expect((await askWith(bed, fields)).status).toBe(400);
  await bed.expectUnharmed();
});

test('Authorization is for somebody else: 407, and it goes nowhere', async () => {
  const bed = await startBed();
  expect((await askWith(bed, right.replace('Proxy-', ''))).status).toBe(407);
  await bed.expectUnharmed();
});

test('a request that follows a 407 on its connection is never looked at', async () => {
  const bed = await startBed();
  const { status } = await askWith(bed, `\r\nCONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${right}`);
  expect(status).toBe(407);
  await eventually(() => bed.serve.eventsOf('tunnel.failed').length, 1);
  await bed.expectUnharmed();
});

test('the target gets the payload and nothing of the request', async () => {
  const bed = await startBed();
  const client = await bed.connect();
  client.send(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\nX-Secret: y\r\n${right}\r\npayload`);
  await client.readHead();
  client.fin();
  // The target sends back every byte that reached it.
  expect((await client.readToEnd()).toString()).toBe('payload');
});

test.each([
  ['a wrong password', 'alice:wrong', 'alice'],
  ['a user that there is not', 'bob:open:sesame', 'bob'],
  ['an empty name', ':x', ''],
  ['a name that a terminal would obey', 'a\u202eb c:x', 'a?b c'],
  ['a long name', `${'x'.repeat(200)}:x`, `${'x'.repeat(77)}...`],
])('%s is recorded with the name that was given, and the client learns nothing of it', async (_, text, user) => {
  const bed = await startBed();
  const { body } = await askWith(bed, `Proxy-Authorization: Basic ${encode(text)}\r\n`);
  expect(body).toBe('tunl: credentials are required\n');
  const [failed] = bed.serve.eventsOf('tunnel.failed');
  expect(failed).toMatchObject({ user, status: 407 });
  expect([failed?.error.message, failed?.error.side]).toEqual(['wrong password, or there is no such user', 'client']);
});

test('what is refused after the password was right is recorded with its user', async () => {
  const serve = await startTestServe({ users: { single }, caps: { total: 0 } });
  const client = await connectPeer(serve.port);
  client.send(`CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${right}\r\n`);
  expect(await client.readHead()).toContain(' 503 ');
  expect(serve.eventsOf('tunnel.failed')).toMatchObject([{ user: 'alice', status: 503 }]);
});

test('the record names the user and nowhere the password', async () => {
  const bed = await startBed();
  await askWith(bed, `Proxy-Authorization: Basic ${encode('alice:hunter2')}\r\n`);
  await eventually(() => bed.serve.eventsOf('tunnel.failed').length, 1);
  expect(bed.serve.eventsOf('tunnel.opened')).toMatchObject([{ user: 'alice' }]);
  const said = JSON.stringify(bed.serve.events);
  for (const secret of ['sesame', 'hunter2', encode('alice:hunter2'), encode('alice:open:sesame')]) {
    expect(said).not.toContain(secret);
  }
});

test('wrong passwords of a user do nothing to the tunnel that this user has open', async () => {
  const [target, serve] = [await startTarget(echo), await startTestServe({ users: { single } })];
  const place = formatAddress(target.address);
  const ask = async (password: string) => {
    const client = await connectPeer(serve.port);
    const login = `Proxy-Authorization: Basic ${encode(`${single.user}:${password}`)}`;
    client.send(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${login}\r\n\r\n`);
    return client;
  };
  const open = await ask(single.password);
  expect(await open.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  const guessing = await Promise.all(Array.from({ length: 4 }, (_, index) => ask(`guess ${index}`)));
  for (const client of guessing) expect(await client.readHead()).toMatch(/^HTTP\/1\.1 407 /);
  // This one waits, and so does the right password at this source.
  const waiting = await ask(single.password);
  open.send('still;');
  expect(await open.readUntil('still;')).toBe('still;');
  expect(serve.eventsOf('tunnel.closed')).toEqual([]);
  expect(await waiting.readHead()).toMatch(/^HTTP\/1\.1 200 /);
});

test('whose password waits too long behind those of others is told to come another time', async () => {
  const file = join(makeTempFolder(), 'users');
  writeFileSync(file, `alice:${hashSync('right', 10)}\n`);
  const serve = await startTestServe({ users: { authFile: file }, limits: { ...calmLimits, handshakeMs: 1000 } });
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const client = await connectPeer(serve.port);
      client.send(`CONNECT a:1 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${encode(`alice:${index}`)}\r\n\r\n`);
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(await client.readHead()) ?? [];
      client.fin();
      return status;
    }),
  );
  expect(statuses).toContain('503');
  expect(statuses.filter((status) => status !== '407' && status !== '503')).toEqual([]);
  await eventually(() => serve.running.tunnels.size, 0);
});
