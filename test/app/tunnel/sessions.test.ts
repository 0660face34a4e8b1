import { expect, test } from 'vitest';
import { WaitingSessions } from '../../../src/app/tunnel/sessions.ts';
import { sessionAddress } from '../../../src/resume/session.ts';
import { eventually } from '../../support/eventually.ts';
import { calmLimits, makeHop, makeRoute, startTestServe, type TestApp } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { connectPeer, RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const minute = 60_000;
const askSession = 'CONNECT tunl.invalid:443 HTTP/1.1\r\nHost: tunl.invalid:443\r\n';

/** Opens a session with a serve, over which a test may say anything. */
async function openSession({ port }: TestApp): Promise<RawPeer> {
  const route = await makeRoute([makeHop('http', port, { settings: { resume: '1m' } })]);
  return new RawPeer(await route.dial(sessionAddress, makeContext(sessionAddress)));
}

test('a session leads to a target that is asked for over it, and only that has a record', async () => {
  const target = await startTarget(echo);
  const serve = await startTestServe({ resumeMs: minute });
  const session = await openSession(serve);
  expect(serve.running.tunnels.size).toBe(0);
  session.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\nhello`);
  expect(await session.readUntil('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await session.readUntil('hello')).toBe('hello');
  session.fin();
  await session.readToEnd();
  await eventually(
    () => serve.eventsOf('tunnel.closed').map(({ target: to, end }) => [to, end]),
    [[`127.0.0.1:${target.port}`, 'clean']],
  );
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
});

test.each([
  ['nothing that is HTTP', '\0\u0001\u0002\u0003\r\n\r\n', 400],
  ['a plain request', 'GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n', 405],
  ['a POST', 'POST / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 0\r\n\r\n', 405],
  ['another session', `${askSession}Tunl-Resume: open; key=${'A'.repeat(43)}; hold=1\r\n\r\n`, 404],
  ['a target that refuses', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n', 502],
])('over a session %s is answered as over a connection', async (_, bytes, status) => {
  const session = await openSession(await startTestServe({ resumeMs: minute, accept: ['post', 'plain'] }));
  session.send(bytes);
  expect(await session.readUntil('\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  session.fin();
  await session.readToEnd();
});

test('a session that asks for nothing is closed in time', async () => {
  const serve = await startTestServe({ resumeMs: minute, limits: { ...calmLimits, handshakeMs: 300 } });
  const session = await openSession(serve);
  expect((await session.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 408 /);
});

test.each([
  ['without the field', 1, '', 400],
  ['with a field that cannot be understood', 1, 'Tunl-Resume: open; key=short\r\n', 400],
  ['with a key that is none', 1, `Tunl-Resume: open; key=${'A'.repeat(43)}; hold=1\r\n`, 400],
  ['of a serve that has none', 0, `Tunl-Resume: open; key=${'A'.repeat(43)}; hold=1\r\n`, 404],
])('a request for a session %s is refused by the far end itself', async (_, resumeMs, field, status) => {
  const serve = await startTestServe({ resumeMs: resumeMs * minute });
  const client = await connectPeer(serve.port);
  client.send(`${askSession}${field}\r\n`);
  const answer = (await client.readToEnd()).toString();
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toMatch(/^Tunl-Resume: refused\r$/im);
  expect(serve.eventsOf('tunnel.failed')).toMatchObject([{ status }]);
});

test('sessions that wait for their targets have limits, and give their places back', () => {
  const waiting = new WaitingSessions({ total: 3, perOwner: 2 });
  const leave = [waiting.enter('user ann'), waiting.enter('user ann')];
  const full = expect.objectContaining({ code: 'connection_limit_reached' }) as Error;
  expect(() => waiting.enter('user ann')).toThrow(full);
  waiting.enter('user bob');
  expect(() => waiting.enter('user eve')).toThrow(full);
  leave.pop()?.();
  waiting.enter('user ann');
  expect(() => waiting.enter('user ann')).toThrow(full);
});
