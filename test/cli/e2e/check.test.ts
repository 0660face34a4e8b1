import { expect, test } from 'vitest';
import { echo, greet, refusedAddress, stall, startTarget } from '../../support/targets/plain.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const json = (stderr: string) =>
  stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('forward --check listens once every target was reached', async () => {
  const [first, second] = [await startTarget(echo), await startTarget(greet('hello'))];
  const specs = [`:127.0.0.1:${first.port}`, `:127.0.0.1:${second.port}`];
  const { child, ended, waitFor } = startTunl(['forward', '--direct', '--check', ...specs]);
  await waitFor(new RegExp(`-> 127\\.0\\.0\\.1:${second.port}\n`));
  expect([first.accepted, second.accepted]).toEqual([1, 1]);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('forward --check listens nowhere when one target is not reached, and says which', async () => {
  const target = await startTarget(echo);
  const specs = [`:127.0.0.1:${target.port}`, `:127.0.0.1:${refusedAddress.port}`];
  const { code, stderr } = await runTunl(['forward', '--direct', '--check', ...specs]);
  expect([code, stderr]).toEqual([7, 'tunl: cannot connect to 127.0.0.1:1: connection refused\n']);
});

test('without --check a forward listens whatever its proxy does', async () => {
  const { child, ended, waitFor } = startTunl(['forward', ':db:5432', '-x', 'http://127.0.0.1:1']);
  await waitFor(/forwarding/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('connect --check tells by its status whether the target is reached, and relays nothing', async () => {
  const target = await startTarget();
  const { child, ended } = startTunl(['connect', '--direct', '--check', `127.0.0.1:${target.port}`]);
  // stdin stays open, and the program does not wait for its end.
  child.stdin?.write('x');
  const peer = await target.accept();
  expect(await peer.readToEnd()).toHaveLength(0);
  expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a check names the hop that failed', async () => {
  const { child, ended, waitFor } = startTunl(['serve', '127.0.0.1:0', '--deny', 'db.example']);
  const [, proxy] = await waitFor(/serving (\S+)/);
  for (const words of [
    ['connect', '--check', 'db.example:22'],
    ['forward', '--check', ':db.example:22'],
  ]) {
    const { code, stdout, stderr } = await runTunl([...words, '--json', '-x', `http://${proxy}`]);
    expect([code, stdout]).toEqual([97, '']);
    expect(json(stderr)).toEqual([
      expect.objectContaining({ event: 'error', hop: 1, phase: 'handshake', exit: 97, received: 403 }),
    ]);
  }
  child.kill('SIGTERM');
  await ended;
});

test('a check of a silent proxy ends at its limit', async () => {
  const proxy = await startTarget(stall);
  const words = ['--check', '--handshake-timeout', '50ms', '-x', `http://127.0.0.1:${proxy.port}`];
  expect((await runTunl(['connect', ...words, 'db:22'])).code).toBe(28);
  expect((await runTunl(['forward', ...words, ':db:22'])).code).toBe(28);
});
