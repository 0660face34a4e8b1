import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launch, run } from './support/process.ts';
import { makeTunlCommand, startTunl, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(' '.join(s.recv(4096).decode().split()), flush=True)
`;

const has = (program: string) => existsSync(join('/usr/bin', program));

/** A socket as systemd has one, and what was said to it. */
async function listenForSigns() {
  const socket = join(makeFolder('notify'), 's');
  const python = launch({ file: 'python3', args: ['-c', receiver, socket] });
  onTestFinished(async () => void (await python.stop()));
  const waitFor = (pattern: RegExp) =>
    python.waitFor(String(pattern), () => pattern.exec(python.stdout().toString()) ?? undefined);
  await waitFor(/bound/);
  return { env: { NOTIFY_SOCKET: socket }, waitFor, said: () => python.stdout().toString() };
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
  const page = readFileSync(fileURLToPath(new URL('../../docs/background.md', import.meta.url)), 'utf8');
  const folder = makeFolder('units');
  const units = [...page.matchAll(/^```ini\n# (\S+)\n([^]*?)^```$/gm)].map(([, name = '', text = '']) => {
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
