import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { echo, startTarget } from '../support/targets/plain.ts';
import { findFreePort } from './support/part.ts';
import { launch, run } from './support/process.ts';
import { hasManager, listenForSigns, startManager, type Unit, writeProgram } from './support/service-manager.ts';
import { makeTunlCommand, startTunl, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const has = (program: string) => existsSync(join('/usr/bin', program));

/** The units that the page shows. */
function readUnits(): Unit[] {
  const page = readFileSync(fileURLToPath(new URL('../../docs/background.md', import.meta.url)), 'utf8');
  return [...page.matchAll(/^```ini\n# (\S+)\n([^]*?)^```$/gm)].map(([, name = '', text = '']) => ({ name, text }));
}

/** Writes the built program where a unit can start it. */
function writeTunl(): string {
  const { file, args } = makeTunlCommand([]);
  return writeProgram([file, ...args]);
}

describe.skipIf(!has('systemd-notify'))('systemd is told', () => {
  test('that all listen, that files are read again, and that it ends', async () => {
    const { env, waitFor } = await listenForSigns();
    const serve = await startTunl(['serve', '127.0.0.1:0'], env);
    onTestFinished(() => serve.stop());
    await waitFor(/^READY=1$/m);
    process.kill(serve.pid, 'SIGHUP');
    const [, at] = await waitFor(/^RELOADING=1 MONOTONIC_USEC=(\d+)\nREADY=1$/m);
    // The clock of both is CLOCK_MONOTONIC.
    expect(Number(at)).toBeLessThanOrEqual(Number(process.hrtime.bigint() / 1000n));
    process.kill(serve.pid, 'SIGTERM');
    await waitFor(/^STOPPING=1$/m);
  });

  test('that the event loop turns, every half of WATCHDOG_USEC', async () => {
    const { env, waitFor } = await listenForSigns();
    const serve = await startTunl(['serve', '127.0.0.1:0'], { ...env, WATCHDOG_USEC: '10000000' });
    onTestFinished(() => serve.stop());
    await waitFor(/^WATCHDOG=1$/m);
    expect(serve.log()).not.toContain('systemd');
  });

  test('by us and not by a command', async () => {
    const { env, waitFor } = await listenForSigns();
    const words = ['forward', '--direct', ':127.0.0.1:1', '--', 'sh', '-c', 'echo "at ${NOTIFY_SOCKET-none}"'];
    expect(await tunl(words, { env })).toMatchObject({ code: 0, stdout: 'at none\n' });
    await waitFor(/^READY=1$/m);
  });
});

describe.skipIf(!hasManager)('systemd itself', () => {
  test('runs the units of the page: opens the port, starts the proxy when it is needed, reads its signs', async () => {
    const [target, port] = [await startTarget(echo), await findFreePort()];
    const program = writeTunl();
    const units = readUnits().map(({ name, text }) => ({
      name,
      text: text.replace('/usr/local/bin/tunl', program).replace('127.0.0.1:3128', `127.0.0.1:${port}`),
    }));
    const manager = await startManager(units);
    await manager.ask('start', 'tunl.socket');
    expect(await manager.show('tunl.service', 'ActiveState', 'NotifyAccess')).toEqual(['inactive', 'all']);
    const hello = () =>
      tunl(['connect', '-x', `http://127.0.0.1:${port}`, `127.0.0.1:${target.port}`], { input: 'hello' });
    expect(await hello()).toMatchObject({ code: 0, stdout: 'hello' });
    // The job ends only when READY=1 has come from a process of the unit.
    await manager.ask('start', 'tunl.service');
    const [id] = await manager.show('tunl.service', 'MainPID');
    await manager.ask('reload', 'tunl.service');
    expect(await hello()).toMatchObject({ code: 0, stdout: 'hello' });
    expect(await manager.show('tunl.service', 'MainPID', 'ActiveState')).toEqual([id, 'active']);
    await manager.ask('stop', 'tunl.socket', 'tunl.service');
    expect(await manager.show('tunl.service', 'ActiveState', 'Result', 'ExecMainStatus')).toEqual([
      'inactive',
      'success',
      '0',
    ]);
  });
});

test.skipIf(!has('systemd-socket-activate'))('what a socket unit gives to us reaches no command', async () => {
  const [target, port] = [await startTarget(echo), await findFreePort()];
  const print = 'echo "$TUNL_PORT ${LISTEN_FDS-none} ${LISTEN_PID-none} ${LISTEN_FDNAMES-none}"; cat';
  const forward = makeTunlCommand(['forward', '--direct', `fd:3:127.0.0.1:${target.port}`, '--', 'sh', '-c', print]);
  const args = ['-l', `127.0.0.1:${port}`, '--fdname=door', forward.file, ...forward.args];
  const activator = launch({ ...forward, file: 'systemd-socket-activate', args });
  onTestFinished(async () => void (await activator.stop()));
  await activator.waitFor('the socket', () => /Listening on/.exec(activator.stderr()) ?? undefined);
  expect(await tunl(['connect', `127.0.0.1:${port}`], { input: 'hello' })).toMatchObject({ code: 0, stdout: 'hello' });
  await activator.waitFor('the command', () => /\n/.exec(activator.stdout().toString()) ?? undefined);
  expect(activator.stdout().toString()).toBe(`${port} none none none\n`);
});

test('without systemd-notify everything works, and -v says what is missing', async () => {
  const run = makeTunlCommand(['serve', '-v', '127.0.0.1:0']);
  const serve = launch({ ...run, env: { ...run.env, NOTIFY_SOCKET: '/nonexistent', PATH: '/nonexistent' } });
  onTestFinished(async () => void (await serve.stop()));
  const notice = /systemd-notify cannot be used, it is in no folder of PATH/;
  await serve.waitFor('the notice', () => notice.exec(serve.stderr()) ?? undefined);
  expect(serve.stderr()).toContain('serving 127.0.0.1:');
});

test('a watchdog that wants a sign more often than every 5 seconds is refused', async () => {
  const env = { NOTIFY_SOCKET: '/nonexistent', WATCHDOG_USEC: '9999999' };
  const { code, stderr } = await tunl(['serve', '127.0.0.1:0'], { env });
  expect(code).toBe(2);
  expect(stderr).toContain('hint: write WatchdogSec=10s or more in the unit');
});

test.skipIf(!has('systemd-analyze'))('the units of the page are accepted', async () => {
  const folder = makeFolder('units');
  const units = readUnits().map(({ name, text }) => {
    const path = join(folder, name);
    // The program of this machine may be somewhere else.
    writeFileSync(path, text.replaceAll('/usr/local/bin/tunl', '/bin/true'));
    return path;
  });
  expect(units).toHaveLength(2);
  expect(await run({ file: 'systemd-analyze', args: ['verify', '--man=no', ...units] })).toMatchObject({
    code: 0,
    stderr: '',
  });
});
