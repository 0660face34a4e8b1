import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { echo, startTarget } from '../support/targets/plain.ts';
import { type HangupRun, launchForHangup } from './support/hangup.ts';
import { launchInTerminal } from './support/terminal.ts';
import { makeTunlCommand, startTunlServe, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** A state of its own for each test. */
let env: Record<string, string>;

beforeEach(() => {
  env = { XDG_STATE_HOME: makeFolder('state') };
  onTestFinished(async () => void (await tunl(['stop', '--all'], { env })));
});

const quote = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

const formatTunl = (words: readonly string[]) => {
  const { file, args } = makeTunlCommand(words);
  return quote([file, ...args]);
};

/** Runs a script on a terminal that can go away. */
function open(script: string): HangupRun {
  const run = launchForHangup({ file: 'sh', args: ['-c', script], env });
  onTestFinished(() => void run.stop());
  return run;
}

async function ask(port: number, word: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(word);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}

describe('what runs in the background', () => {
  test('outlives its terminal, with the tunnels that are open', async () => {
    const target = await startTarget(echo);
    const start = formatTunl(['forward', `:127.0.0.1:${target.port}`, '--detach', '--name', 'db']);
    const run = open(`${start} && echo STARTED && exec sleep 60`);
    const [, port] = await run.waitForScreen(/forwarding \S+:(\d+) ->/);
    await run.waitForScreen(/as db \(pid \d+\)[^]*STARTED/);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('before');
    await once(socket, 'data');
    run.hangUp();
    expect(await run.waitForEnd()).toBe('SIGHUP');
    socket.write('after');
    expect(String((await once(socket, 'data'))[0])).toBe('after');
    expect(await ask(Number(port), 'new')).toBe('new');
    socket.destroy();
    const { stdout } = await tunl(['ps', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ instances: [{ name: 'db', state: 'listening' }] });
    expect(await tunl(['stop', 'db'], { env })).toMatchObject({ code: 0 });
  });

  test('is asked for passwords before it leaves the terminal', async () => {
    const target = await startTarget(echo);
    const proxy = await startTunlServe(['--user', 'me'], { TUNL_SERVE_PASSWORD: 'sesame' });
    onTestFinished(() => proxy.stop());
    const words = ['forward', `:127.0.0.1:${target.port}`, '-x', `http://me@127.0.0.1:${proxy.port}`, '--check'];
    const start = formatTunl([...words, '--detach', '--name', 'db']);
    const terminal = launchInTerminal({ file: 'sh', args: ['-c', `${start}; echo "status $?"`], env });
    onTestFinished(() => void terminal.stop());
    await terminal.waitForScreen(/tunl: password of me for/);
    terminal.type('sesame\r');
    const [, port] = await terminal.waitForScreen(/forwarding \S+:(\d+) ->/);
    await terminal.waitForScreen(/runs in the background[^]*status 0/);
    await terminal.ended;
    expect(terminal.stdout().toString()).not.toContain('sesame');
    expect(await ask(Number(port), 'hello')).toBe('hello');
  });

  test.each([
    ['Ctrl-C at the question', '\u0003', 130],
    ['a wrong password', 'open up\r', 67],
  ])('does not start after %s', async (_what, keys, status) => {
    const target = await startTarget(echo);
    const proxy = await startTunlServe(['--user', 'me'], { TUNL_SERVE_PASSWORD: 'sesame' });
    onTestFinished(() => proxy.stop());
    const words = ['forward', `:127.0.0.1:${target.port}`, '-x', `http://me@127.0.0.1:${proxy.port}`, '--check'];
    const script = `trap : INT; ${formatTunl([...words, '--detach'])}; echo "status $?"`;
    const terminal = launchInTerminal({ file: 'sh', args: ['-c', script], env });
    onTestFinished(() => void terminal.stop());
    await terminal.waitForScreen(/tunl: password of me for/);
    terminal.type(keys);
    await terminal.waitForScreen(new RegExp(`status ${status}\\b`));
    await expect.poll(async () => (await tunl(['ps', '--json'], { env })).stdout).toContain('"instances":[]');
  });
});
