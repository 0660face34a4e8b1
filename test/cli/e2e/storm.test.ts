import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { visit } from '../../support/harness/short-visit.ts';
import { answerWith } from '../../support/peers/scripted-proxy.ts';
import { refusedAddress, startTarget } from '../../support/targets/plain.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';

const clients = 1000;

/** Starts a forward through this proxy; `count` returns the number of its messages with this text. */
async function startForward(proxy: number, scheme = 'http') {
  const forward = startTunl(['forward', ':db:5432', '-x', `${scheme}://127.0.0.1:${proxy}`]);
  const [, port] = await forward.waitFor(/forwarding \S+:(\d+)/);
  let said = '';
  forward.child.stderr?.on('data', (chunk: string) => (said += chunk));
  return { ...forward, port: Number(port), count: (line: string) => said.split(`tunl: ${line}\n`).length - 1 };
}

/** All clients at once, counted by how they end. */
async function visitAll(port: number): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const visits = Array.from({ length: clients }, () => visit(port));
  for (const end of await Promise.all(visits)) ends[end] = (ends[end] ?? 0) + 1;
  return ends;
}

test.each(['http', 'h2c'])(
  'over %s a thousand clients of a forward without its proxy are all reset, each with a line',
  async (scheme) => {
    const { child, ended, port, count } = await startForward(refusedAddress.port, scheme);
    expect(await visitAll(port)).toEqual({ ECONNRESET: clients });
    await eventually(() => count('cannot connect to the proxy 127.0.0.1:1: connection refused'), clients);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  },
);

test('a thousand clients of a forward whose proxy closes at once make one dial each, and no more', async () => {
  const proxy = await startTarget(answerWith(''));
  const { child, ended, port, count } = await startForward(proxy.port);
  expect(await visitAll(port)).toEqual({ ECONNRESET: clients });
  const line = `127.0.0.1:${proxy.port} closed the connection without an answer to CONNECT db:5432`;
  await eventually(() => count(line), clients);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  await eventually(() => [proxy.accepted, proxy.open], [clients, 0]);
});
