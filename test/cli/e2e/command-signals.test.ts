import { expect, test } from 'vitest';
import { makeScript, signalScript } from '../../support/harness/scripts.ts';
import { echo, stall, startTarget } from '../../support/targets/plain.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';

// Without a terminal: keys of one are tried on a real one, in test/interop.
const detached = { detached: true };

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
  '%s goes to the command, once, and it decides',
  async (signal) => {
    const target = await startTarget(echo);
    const words = ['forward', '--direct', `:127.0.0.1:${target.port}`, '--', ...makeScript(signalScript)];
    const { child, ended, waitFor } = startTunl(words, {}, detached);
    await waitFor(/command ready/);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 9, signal: null, stdout: `${JSON.stringify({ [signal]: 1 })}\n` });
  },
);

test('a command that does not mind a signal goes on, tunnels too', async () => {
  const target = await startTarget(echo);
  const script = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => socket.write('still here'));
socket.on('data', (data) => {
  console.log(String(data));
  process.exit(0);
});
socket.on('connect', () => console.error('command ready'));
`;
  const words = ['forward', '--direct', `:127.0.0.1:${target.port}`, '--', ...makeScript(script, '{port}')];
  const { child, ended, waitFor } = startTunl(words, {}, detached);
  await waitFor(/command ready/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stdout: 'still here\n' });
});

test('SIGUSR1 and SIGUSR2 are ours: tunnels are shown, and the command sees nothing', async () => {
  const words = ['forward', '--direct', ':127.0.0.1:1', '--', ...makeScript(signalScript)];
  const { child, ended, waitFor } = startTunl(words, {}, detached);
  await waitFor(/command ready/);
  child.kill('SIGUSR1');
  child.kill('SIGUSR2');
  await waitFor(/0 tunnels/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 9, stdout: '{"SIGTERM":1}\n' });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s before the command runs is 128+n, and it does not run', async (signal, exit) => {
  const proxy = await startTarget(stall);
  const script = makeScript('console.log("ran");');
  const words = ['forward', ':db:5432', '-x', `http://127.0.0.1:${proxy.port}`, '--check', '--', ...script];
  const { child, ended } = startTunl(words, {}, detached);
  await proxy.accept();
  child.kill(signal);
  expect(await ended).toMatchObject({ code: exit, stdout: '' });
});

test('a signal after the command has ended cuts what it left behind', async () => {
  const target = await startTarget();
  const script = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), '127.0.0.1');
let [taken, before] = [0, -1];
for (let count = 0; count < 64; count++) socket.write(Buffer.alloc(1 << 19), () => taken++);
// Ends once its bytes are taken no more.
setInterval(() => {
  if (taken === before) process.exit(6);
  before = taken;
}, 200);
`;
  const words = [
    'forward',
    '--direct',
    `:127.0.0.1:${target.port}`,
    '--grace',
    'off',
    '--',
    ...makeScript(script, '{port}'),
  ];
  const { child, ended, waitFor } = startTunl(words, {}, detached);
  await target.accept({ reading: false });
  await waitFor(/the command has ended; waiting for 1 tunnel to finish/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(6);
});
