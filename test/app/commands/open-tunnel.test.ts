import { once } from 'node:events';
import { expect, test } from 'vitest';
import { openTunnel } from '../../../src/app/commands/open-tunnel.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { startTestServe } from '../../support/harness/app.ts';
import { answerAtEnd, echo, greet, startTarget } from '../../support/targets/plain.ts';

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('a tunnel without proxies leads straight to the target', async () => {
  const target = await startTarget(greet('hello'));
  const tunnel = await openTunnel(`127.0.0.1:${target.port}`);
  tunnel.end();
  expect(await inTime('the end', readAll(tunnel))).toBe('hello');
});

test('a tunnel goes through a chain of hops of different kinds, and what lay below goes with it', async () => {
  const target = await startTarget(answerAtEnd(() => 'the answer'));
  const [near, far] = [await startTestServe(), await startTestServe()];
  const proxies = [`h2c://127.0.0.1:${near.port}`, `http://127.0.0.1:${far.port}`];
  const steps: string[] = [];
  const onProgress = ({ phase, hop }: { phase: string; hop?: number }) =>
    void steps.push(`${phase} ${hop ?? 'target'}`);
  const tunnel = await openTunnel(`127.0.0.1:${target.port}`, { proxies, onProgress });
  expect(steps).toContain('handshake 2');
  // Our half ends, and the other goes on.
  tunnel.end('a question');
  expect(await inTime('the end', readAll(tunnel))).toBe('the answer');
  await eventually(
    () => [near, far].map((app) => app.eventsOf('tunnel.closed').map(({ end }) => end)),
    [['clean'], ['clean']],
  );
});

test('alternatives are tried in turn, and each failure is told', async () => {
  const target = await startTarget(echo);
  const serve = await startTestServe();
  const failures: string[] = [];
  const tunnel = await openTunnel(`127.0.0.1:${target.port}`, {
    proxies: [`http://127.0.0.1:1|http://127.0.0.1:${serve.port}`],
    onFailure: ({ code }) => void failures.push(code),
  });
  expect(failures).toEqual(['connection_refused']);
  tunnel.end();
  await once(tunnel.resume(), 'end');
});

test.each(['http', 'h2c', 'post+h2c'])('a reset through %s is a reset for the target', async (scheme) => {
  const target = await startTarget();
  const serve = await startTestServe({ accept: ['post'] });
  const tunnel = await openTunnel(`127.0.0.1:${target.port}`, { proxies: [`${scheme}://127.0.0.1:${serve.port}`] });
  const peer = await target.accept();
  tunnel.write('before');
  expect((await peer.read(6)).toString()).toBe('before');
  tunnel.reset();
  tunnel.reset();
  expect(await peer.waitForEnd()).toBe('reset');
});

test('a failure says which hop and what, and leaves nothing open', async () => {
  const serve = await startTestServe();
  const opening = openTunnel('127.0.0.1:1', { proxies: [`h2c://127.0.0.1:${serve.port}`] });
  await expect(opening).rejects.toMatchObject({
    code: 'connection_refused',
    facts: { side: 'target', hop: { index: 1, count: 1 } },
  });
});

test('a dial that is given up rejects', async () => {
  const proxy = await startTarget();
  const controller = new AbortController();
  const opening = openTunnel('db:5432', { proxies: [`http://127.0.0.1:${proxy.port}`], signal: controller.signal });
  const peer = await proxy.accept();
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: 'interrupted' });
  await peer.waitForEnd();
});

test.each([
  ['no-port', [], 'no-port'],
  ['db:5432', ['ftp://proxy'], 'has an unknown scheme'],
  ['db:5432', ['http://proxy', 'http://user@proxy'], 'has a user and no password'],
  ['db:5432', ['http://proxy|'], 'proxies[0] has an empty alternative'],
])('openTunnel(%j, %j) is refused before anything is opened', async (target, proxies, message) => {
  await expect(openTunnel(target, { proxies })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(message),
  });
});
