import { expect, onTestFinished, test } from 'vitest';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startOwnNames } from '../../support/peers/own-names.ts';
import { answerWith, openThen, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { echo, greet, refusedAddress, resetAfter, stall, startTarget } from '../../support/targets/plain.ts';
import { visit } from '../../support/harness/short-visit.ts';
import { runTunl, startTunl, type Tunl } from '../../support/harness/tunl-process.ts';

/** A proxy of its own process, which can be killed and started again at the same place. */
async function startProxy(port = 0): Promise<{ port: number; kill: () => Promise<unknown> }> {
  const { child, ended, waitFor } = startTunl(['serve', '--post', `127.0.0.1:${port}`]);
  const [, at] = await waitFor(/serving \S+:(\d+)/);
  const kill = () => {
    child.kill('SIGKILL');
    return ended;
  };
  onTestFinished(async () => void (await kill()));
  return { port: Number(at), kill };
}

async function startForward(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const forward = startTunl(['forward', ...words], env);
  const [, port] = await forward.waitFor(/forwarding \S+:(\d+)/);
  onTestFinished(() => void forward.child.kill('SIGKILL'));
  return { ...forward, port: Number(port) };
}

/** Sends a question through the forward, and returns the answer. */
async function ask(port: number, question: string): Promise<string> {
  const peer = await connectPeer(port);
  peer.send(question);
  const answer = await peer.readUntil(question);
  peer.fin();
  await peer.readToEnd();
  return answer;
}

async function stop({ child, ended }: Tunl): Promise<string> {
  child.kill('SIGTERM');
  return (await ended).stderr;
}

test.each([
  // The system ends the connections of a killed program cleanly, and CONNECT has no other sign of its death.
  ['http', 'fin'],
  ['h2c', 'reset'],
  ['post+http', 'reset'],
])(
  'over %s a forward outlives its proxy, resets who comes meanwhile, and recovers by itself',
  async (scheme, endOfOpenTunnels) => {
    const target = await startTarget(echo);
    const proxy = await startProxy();
    const words = [`:127.0.0.1:${target.port}`, '-x', `${scheme}://127.0.0.1:${proxy.port}`];
    const forward = await startForward(words);

    const open = await Promise.all(Array.from({ length: 50 }, () => connectPeer(forward.port)));
    for (const peer of open) peer.send('early');
    for (const peer of open) await peer.readUntil('early');
    await proxy.kill();
    for (const peer of open) expect(await peer.waitForEnd()).toBe(endOfOpenTunnels);
    for (const peer of open) peer.fin();

    for (const _ of [1, 2]) expect(await visit(forward.port)).toBe('ECONNRESET');

    await startProxy(proxy.port);
    expect(await ask(forward.port, 'after the restart')).toBe('after the restart');

    const said = await stop(forward);
    const down = `tunl: cannot connect to the proxy 127.0.0.1:${proxy.port}: connection refused`;
    expect(said.split('\n').filter((line) => /cannot|hint/.test(line))).toEqual([down, down]);
    const resets = said.split('\n').filter((line) => line.includes(' reset by the target: sent 5, received 5 '));
    expect(resets).toHaveLength(endOfOpenTunnels === 'reset' ? open.length : 0);
  },
);

test('a forward asks for the name of its proxy with each dial, and so finds it once the VPN is up', async () => {
  const [target, proxy] = [await startTarget(echo), await startProxy()];
  const zone: Record<string, string[]> = {};
  const { env, questions } = await startOwnNames(zone);
  const words = [`:127.0.0.1:${target.port}`, '-x', `http://proxy.test:${proxy.port}`];
  const forward = await startForward(words, env);

  expect(await visit(forward.port)).toBe('ECONNRESET');
  await forward.waitFor(/cannot resolve the proxy proxy\.test: there is no such name\n/);
  zone['proxy.test'] = ['127.0.0.1'];
  expect(await ask(forward.port, 'first')).toBe('first');
  const asked = questions.filter((question) => question === 'proxy.test A').length;
  expect(await ask(forward.port, 'second')).toBe('second');
  expect(questions.filter((question) => question === 'proxy.test A').length).toBe(asked + 1);
  await stop(forward);
});

test('--retry dials again until the proxy is there', async () => {
  const target = await startTarget(greet('hello'));
  const { port, kill } = await startProxy();
  await kill();
  const words = ['-v', '--retry', '50', '-x', `127.0.0.1:${port}`, `127.0.0.1:${target.port}`];
  const connect = startTunl(['connect', ...words]);
  await connect.waitFor(/connection refused; trying on\n/);
  await startProxy(port);
  connect.child.stdin?.end();
  expect(await connect.ended).toMatchObject({ code: 0, stdout: 'hello' });
});

test('--retry gives up with the last failure, after as many tries as it says', async () => {
  const words = ['-v', '--retry', '2', '-x', `127.0.0.1:${refusedAddress.port}`, 'db:22'];
  const { code, stderr } = await runTunl(['connect', ...words]);
  const line = 'tunl: cannot connect to the proxy 127.0.0.1:1: connection refused';
  expect([code, stderr.split('\n').filter((said) => said.startsWith(line))]).toEqual([
    7,
    [`${line}; trying on`, `${line}; trying on`, line],
  ]);
});

test('--retry repeats nothing once the tunnel is open, and nothing that was refused for good', async () => {
  const cutting = await startTarget(openThen('', resetAfter(0)));
  expect((await runTunl(['connect', '--retry', '5', '-x', `127.0.0.1:${cutting.port}`, 'db:22'])).code).toBe(56);
  const forbidding = await startTarget(answerWith(writeRefusal('403 Forbidden')));
  expect((await runTunl(['connect', '--retry', '5', '-x', `127.0.0.1:${forbidding.port}`, 'db:22'])).code).toBe(97);
  expect([cutting.accepted, forbidding.accepted]).toEqual([1, 1]);
});

test('of two alternatives the second is taken when the first is away, but not when it says no', async () => {
  const [target, proxy] = [await startTarget(greet('hello')), await startProxy()];
  const away = ['-x', `127.0.0.1:${refusedAddress.port}|127.0.0.1:${proxy.port}`];
  const through = await runTunl(['connect', ...away, `127.0.0.1:${target.port}`]);
  expect(through).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });

  const guarded = await startTarget(answerWith(writeRefusal('407 Who', ['Proxy-Authenticate: Basic'])));
  const no = ['-x', `127.0.0.1:${guarded.port}|127.0.0.1:${proxy.port}`];
  expect((await runTunl(['connect', ...no, `127.0.0.1:${target.port}`])).code).toBe(67);
  expect(target.accepted).toBe(1);
});

test('a tunnel that moves nothing is ended by --idle-timeout, which says so, with exit 28', async () => {
  const target = await startTarget(stall);
  const place = `127.0.0.1:${target.port}`;
  // stdin stays open: nothing but the limit ends it.
  const { ended } = startTunl(['connect', '--direct', '--idle-timeout', '100ms', place]);
  expect(await ended).toMatchObject({ code: 28, stderr: 'tunl: the tunnel was idle for 100ms (--idle-timeout)\n' });

  const forward = await startForward(['--direct', '--idle-timeout', '100ms', `:${place}`]);
  expect(await visit(forward.port)).toBe('ECONNRESET');
  await forward.waitFor(/ idle for too long: sent 0, .*\(the tunnel was idle for 100ms \(--idle-timeout\)\)\n/);
  await stop(forward);
});
