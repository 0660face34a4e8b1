import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { echo, startTarget, type Target } from '../support/targets/plain.ts';
import { type HangupRun, launchForHangup } from './support/hangup.ts';
import { makeTunlCommand } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** Programs of other versions of Node that are tried too, separated by colons. */
const others = process.env['TUNL_TEST_NODES']?.split(':') ?? [];

let target: Target;
let file: string;

beforeAll(() => {
  file = join(makeFolder('hangup'), 'chain.yaml');
  writeFileSync(file, 'stages: { front: { listen: 0, to: "127.0.0.1:1" } }');
});

/** Runs tunl on a terminal that can go away. */
function open(args: readonly string[], node = process.execPath): HangupRun {
  const run = launchForHangup({ ...makeTunlCommand(args), file: node });
  onTestFinished(() => void run.stop());
  return run;
}

const listens = /tunl: (?:forwarding|serving) \S+:(\d+)/;

/** The commands whose terminal goes away, each with the output that it has shown by then. */
const commands: readonly (readonly [what: string, args: () => readonly string[], shown: RegExp])[] = [
  ['forward', () => ['forward', ':127.0.0.1:1'], listens],
  ['forward with a command', () => ['forward', ':127.0.0.1:1', '--', 'sleep', '60'], listens],
  ['forward with its table', () => ['forward', '--watch', ':127.0.0.1:1'], /open, 0 so far/],
  ['serve', () => ['serve', '0'], listens],
  ['serve with its table', () => ['serve', '--watch', '0'], /open, 0 so far/],
  ['chain', () => ['chain', '0', '127.0.0.1:1'], listens],
  ['chain with a file', () => ['chain', '-c', file], listens],
  ['connect', () => ['connect', '-v', `127.0.0.1:${target.port}`], /-> \S+ opened/],
  ['connect that asks for a password', () => ['connect', '-x', 'http://me@127.0.0.1:1', 'a:1'], /password of me/],
];

describe('a terminal that goes away', () => {
  async function expectHangup(args: readonly string[], shown: RegExp, node?: string): Promise<void> {
    const run = open(args, node);
    await run.waitForScreen(shown);
    run.hangUp();
    expect(await run.waitForEnd()).toBe('SIGHUP');
  }

  test.each(commands)('ends %s by its signal', async (_what, args, shown) => {
    target = await startTarget(echo);
    await expectHangup(args(), shown);
  });

  describe.skipIf(others.length === 0)('with other versions of Node, which TUNL_TEST_NODES names', () => {
    test.each(others.length === 0 ? ['none'] : others)(
      '%s ends every command by its signal',
      { timeout: 120_000 },
      async (node) => {
        expect(execFileSync(node, ['--version']).toString()).not.toBe(`${process.version}\n`);
        target = await startTarget(echo);
        for (const [, args, shown] of commands) await expectHangup(args(), shown, node);
      },
    );
  });

  test.each([
    ['forward', () => [`:127.0.0.1:${target.port}`]],
    ['chain', () => ['0', `127.0.0.1:${target.port}`]],
  ])('lets the tunnels of %s finish first', async (command, args) => {
    target = await startTarget(echo);
    const run = open([command, ...args()]);
    const [, port] = await run.waitForScreen(listens);
    const client = await visit(Number(port));
    run.hangUp();
    // It drains, and accepts no new connection.
    await expect.poll(() => knock(Number(port))).toBe('refused');
    expect(await ask(client, 'still there')).toBe('still there');
    client.end();
    expect(await run.waitForEnd()).toBe('SIGHUP');
  });

  test('is not taken for a SIGHUP that somebody sends, and neither the other way round', async () => {
    const run = open(['serve', '0']);
    await run.waitForScreen(listens);
    const pid = execFileSync('pgrep', ['-P', String(run.child.pid)])
      .toString()
      .trim();
    process.kill(Number(pid), 'SIGHUP');
    await run.waitForScreen(/certificates, keys and users were read again/);
    run.hangUp();
    expect(await run.waitForEnd()).toBe('SIGHUP');
  });

  test('means nothing to who was detached from it: SIGHUP reads again', async () => {
    const log = join(makeFolder('nohup'), 'log');
    const { file: node, args } = makeTunlCommand(['serve', '0']);
    const script = `trap '' HUP; nohup "$@" >${log} 2>&1 & trap "kill $!" TERM
      until grep -q serving ${log}; do sleep 0.1; done; echo READY
      until ! true </dev/tty; do sleep 0.1; done 2>/dev/null
      kill -HUP $!; until grep -q 'read again' ${log}; do sleep 0.1; done; kill $!; wait $!; exit 7`;
    const run = launchForHangup({ file: 'sh', args: ['-c', script, 'sh', node, ...args] });
    onTestFinished(() => void run.stop());
    await run.waitForScreen(/READY/);
    run.hangUp();
    expect(await run.waitForEnd()).toBe('7');
  });
});

/** Connects and closes at once; returns whether the connection was accepted. */
async function knock(port: number): Promise<'in' | 'refused'> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect')
    .then(
      () => 'in' as const,
      () => 'refused' as const,
    )
    .finally(() => socket.destroy());
}

async function visit(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  await ask(socket, 'hello');
  return socket;
}

async function ask(socket: Socket, word: string): Promise<string> {
  socket.write(word);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}
