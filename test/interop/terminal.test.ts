import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Origin, startGreeter, startSilence } from './support/origin.ts';
import type { Command } from './support/process.ts';
import { openScreen, type Screen } from './support/screen.ts';
import { launchInTerminal } from './support/terminal.ts';
import { makeTunlCommand } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let target: Origin;
let silence: Origin;

beforeAll(async () => {
  [target, silence] = [await startGreeter(), await startSilence()];
  return () => Promise.all([target.stop(), silence.stop()]);
});

/** The options that lead to a place where nobody answers, with a limit for the wait. */
const silentWay = (limit: string) => ['-x', `http://127.0.0.1:${silence.port}`, '--handshake-timeout', limit];

/** Runs tunl on a terminal whose screen can be read. */
async function openTunl(args: readonly string[], size?: { columns: number; rows: number }): Promise<Screen> {
  const screen = await openScreen(makeTunlCommand(args), size);
  onTestFinished(screen.stop);
  return screen;
}

/** Runs tunl to its end on a terminal of 100 columns, and returns all bytes that it writes there. */
async function record(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { file, args: words } = makeTunlCommand(args);
  const sized: Command = { file: 'sh', args: ['-c', 'stty cols 100 rows 30; exec "$@"', 'sh', file, ...words], env };
  const session = launchInTerminal(sized);
  await session.ended;
  return session.stdout().toString();
}

/** Connects to a forward, reads its greeting and keeps the connection. */
async function visit(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
  return socket;
}

async function findPort(screen: Screen): Promise<number> {
  const [, port] = await screen.waitFor(/tunl: (?:forwarding|serving) 127\.0\.0\.1:(\d+)/);
  return Number(port);
}

const spinner = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;

describe('the spinner', () => {
  test('turns while targets are dialled before anything listens, and leaves no trace', async () => {
    const screen = await openTunl(['forward', ':db.example:5432', '--check', ...silentWay('2s')]);
    await screen.waitFor(/^tunl: [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] dialling db\.example:5432$/m);
    expect(await screen.waitForEnd()).toBe(28);
    await screen.waitFor(new RegExp(`^(?![^]*${spinner.source})tunl: [^\n]*did not answer[^]*2s`));
  });

  test('turns while a client waits for its tunnel, and leaves no trace', async () => {
    const screen = await openTunl(['forward', ':db.example:5432', ...silentWay('2s')]);
    const socket = connect(await findPort(screen), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await screen.waitFor(
      new RegExp(`^tunl: \\S dialling db\\.example:5432 via http://127\\.0\\.0\\.1:${silence.port}$`, 'm'),
    );
    await screen.waitFor(new RegExp(`^(?![^]*${spinner.source})[^]*did not answer`));
  });

  test('turns for each question of check, and leaves nothing but its lines', async () => {
    const screen = await openTunl(['check', 'db.example:5432', ...silentWay('2s')]);
    await screen.waitFor(/^tunl: [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] connecting to the proxy$/m);
    // The next questions ask what else the port may speak.
    await screen.waitFor(/^\[✓\] proxy .*\ntunl: [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] asking the proxy$/m);
    expect(await screen.waitForEnd()).toBe(28);
    await screen.waitFor(/cannot be reached/);
    const shown = await screen.read();
    expect(shown).toMatch(/^\[✓\] proxy .*\n\[✗\] HTTP .*did not answer[^]*\n\ndb\.example:5432 cannot be reached/);
    expect(shown).not.toMatch(/tunl:|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  });

  test.each([
    ['with --json', ['--json'], /^\{"version":1/],
    ['with -q', ['-q'], /^\[✓\] proxy/],
  ])('is not there in check %s', async (_how, options, begins) => {
    const written = await record(['check', 'db.example:5432', ...silentWay('1s'), ...options], { NO_COLOR: '1' });
    expect(written).toMatch(begins);
    expect(written).not.toMatch(/\u001b/);
  });

  test('has no colour with NO_COLOR', async () => {
    const args = ['forward', ':db.example:5432', '--check', ...silentWay('1s')];
    expect(await record(args)).toMatch(/\u001b\[36m⠋/);
    const plain = await record(args, { NO_COLOR: '1' });
    expect(plain).toMatch(/tunl: ⠋ dialling/);
    expect(plain).not.toMatch(/\u001b\[[\d;]*m/);
  });

  test.each([
    ['on a dumb terminal', { TERM: 'dumb' }],
    ['in a log of CI', { CI: 'true', NO_COLOR: '1' }],
  ])('is not there %s, and nothing else that a terminal obeys', async (_where, env) => {
    const written = await record(['forward', ':db.example:5432', '--check', ...silentWay('1s')], env);
    expect(written).toMatch(/^tunl: .*did not answer/);
    expect(written).not.toMatch(/\u001b/);
  });

  test.each([
    ['with --json', ['--json']],
    ['with -q', ['-q']],
  ])('is not there %s', async (_how, options) => {
    const args = ['forward', ':db.example:5432', '--check', ...silentWay('1s'), ...options];
    expect(await record(args, { NO_COLOR: '1' })).not.toMatch(/\u001b/);
  });

  test('is never there in connect', async () => {
    const written = await record(['connect', 'db.example:5432', ...silentWay('1s')], { NO_COLOR: '1' });
    expect(written).toMatch(/^tunl: .*did not answer/);
    expect(written).not.toMatch(/\u001b/);
  });

  test('is not there while another program has the terminal', async () => {
    const { file, args } = makeTunlCommand(['forward', ':db.example:5432', '--check', ...silentWay('1s')]);
    const script = `stty cols 100 rows 30; set -m; ${[file, ...args].join(' ')} & wait`;
    const session = launchInTerminal({ file: 'bash', args: ['-c', script], env: { NO_COLOR: '1' } });
    await session.ended;
    expect(session.stdout().toString()).toMatch(/did not answer/);
    expect(session.stdout().toString()).not.toMatch(spinner);
  });
});

describe('SIGUSR2', () => {
  test('prints a table on a terminal', async () => {
    const screen = await openTunl(['forward', '--direct', `:127.0.0.1:${target.port}`, '-v']);
    await visit(await findPort(screen));
    await screen.signal('SIGUSR2');
    await screen.waitFor(/│ +1 │ 127\.0\.0\.1:\d+ │ - .*│ +0 │ +22 │ +\d+\.\ds │/);
    expect(await screen.read()).toMatch(/\ntunl: 1 tunnel\n┌─.*┐\n│ id │ client .* age │\n├─.*┤\n.*\n└─.*┘\n/);
  });
});

describe('--watch', () => {
  const title = (text: string) => new RegExp(`^tunl: ${text}$`, 'm');

  /** Runs tunl in a shell that says something before it, and the state of the terminal behind it. */
  async function watchFrom(size: { columns: number; rows: number }, env = { LC_ALL: 'C.UTF-8' }) {
    const words = ['forward', '--direct', `:127.0.0.1:${target.port}`, '--watch', '--port-file', '"$0"'];
    const { file, args } = makeTunlCommand(words);
    const portFile = join(makeFolder('watch'), 'port');
    const script = `echo BEFORE; trap : INT; (echo $BASHPID >"$0.pid"; exec ${[file, ...args].join(' ')}); echo "ENDED $?"
      stty -a | grep -oE -- '-?(icanon|isig|echo) ' | tr -d '\\n'; echo; exec sleep 60`;
    const screen = await openScreen({ file: 'bash', args: ['-c', script, portFile], env }, size);
    onTestFinished(screen.stop);
    await screen.waitFor(title('0 tunnels open, 0 so far'));
    const [port = 0, pid = 0] = [portFile, `${portFile}.pid`].map((path) => Number(readFileSync(path, 'utf8').trim()));
    return { screen, port, pid };
  }

  test('fits on 40, 80 and 160 columns, is drawn again when the size changes, and sorts by a key', async () => {
    const { screen, port } = await watchFrom({ columns: 160, rows: 12 });
    const clients = [];
    for (let index = 0; index < 9; index += 1) clients.push(await visit(port));
    clients[0]?.resume().write('x'.repeat(3000));
    await screen.waitFor(/│ id │ client +│ target +│ via │ sent │ +\/s │ received │ +\/s │ age │/);
    expect(await screen.read()).not.toContain('BEFORE');
    await screen.waitFor(/and \d more\n/);
    await screen.press('s');
    await screen.waitFor(/├.*┤\n│ +1 │.*│ 2\.9K │[^]*sent ↓$/m);
    await screen.press('s');
    await screen.waitFor(/├.*┤\n│ +9 │[^]*sent ↑$/m);
    for (const [columns, head] of [
      [80, /^│ id │ target +│ via │ sent │ +\/s │ received │ +\/s │ age │$/m],
      [40, /^│ id │ target +│ received │( +\/s │)?$/m],
      [160, /^│ id │ client +│ target .* age │$/m],
    ] as const) {
      await screen.resize(columns, 12);
      await screen.waitFor(head);
      const lines = (await screen.read()).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines.filter((line) => line.includes('so far'))).toHaveLength(1);
    }
    for (const client of clients) client.destroy();
    await screen.waitFor(title('0 tunnels open, 9 so far'));
  });

  test('q closes the view and not the program: the terminal is as before, and tunnels go on', async () => {
    const { screen, port } = await watchFrom({ columns: 80, rows: 24 });
    const client = await visit(port);
    await screen.waitFor(title('1 tunnel open, 1 so far'));
    await screen.press('q');
    // What was said is there, in the order in which it was said.
    await screen.waitFor(/^BEFORE\ntunl: forwarding 127\.0\.0\.1:\d+ -> [^]*/);
    expect(await screen.read()).not.toContain('so far');
    client.write('still here');
    await visit(port);
    await screen.press('C-c');
    await screen.waitFor(/^BEFORE\n[^]*stopping; 2 tunnels/);
    client.destroy();
  });

  test.each([
    ['SIGTERM', (pid: number) => process.kill(pid, 'SIGTERM'), 'ENDED 0'],
    ['an abort', (pid: number) => process.kill(pid, 'SIGABRT'), 'ENDED 134'],
    ['SIGQUIT', (pid: number) => process.kill(pid, 'SIGQUIT'), 'ENDED 131'],
    ['Ctrl-C', undefined, 'ENDED 0'],
  ])('the terminal is given back whole at the end by %s', async (_how, end, status) => {
    const { screen, pid } = await watchFrom({ columns: 80, rows: 24 });
    if (end) end(pid);
    else await screen.press('C-c');
    await screen.waitFor(new RegExp(`^BEFORE\\n[^]*${status}[^]*isig icanon echo`));
    expect(await screen.read()).not.toContain('so far');
  });

  test('Ctrl-Z gives the terminal to the shell, and fg takes it again', async () => {
    const { file, args } = makeTunlCommand(['forward', '--direct', `:127.0.0.1:${target.port}`, '--watch']);
    const screen = await openScreen({ file: 'bash', args: ['--norc', '--noprofile', '-i'], env: { PS1: '$ ' } });
    onTestFinished(screen.stop);
    await screen.waitFor(/^\$/m);
    await screen.type([file, ...args].join(' '));
    await screen.press('Enter');
    await screen.waitFor(title('0 tunnels open, 0 so far'));
    await screen.press('C-z');
    await screen.waitFor(/tunl: forwarding [^]*Stopped/);
    expect(await screen.read()).not.toContain('so far');
    await screen.type('fg');
    await screen.press('Enter');
    await screen.waitFor(title('0 tunnels open, 0 so far'));
    await screen.press('C-c');
    await screen.waitFor(/Stopped[^]*fg[^]*\n\$/);
  });

  test('has frames of ASCII where the locale is not UTF-8', async () => {
    const { screen, port } = await watchFrom({ columns: 80, rows: 24 }, { LC_ALL: 'C' });
    await visit(port);
    await screen.waitFor(/^\+-[-+]+\+\n\| id \| target/m);
    expect(await screen.read()).toMatch(/^[\u0000-\u007f]*$/);
  });

  test('has neither colour nor anything else where the terminal cannot redraw', async () => {
    const { file, args } = makeTunlCommand(['forward', '--direct', ':127.0.0.1:1', '--watch']);
    const session = launchInTerminal({ file, args, env: { TERM: 'dumb' } });
    await session.waitForScreen(/--watch needs a terminal/);
    session.type('\u0003');
    expect(await session.ended).toMatchObject({ code: 0 });
    expect(session.stdout().toString()).not.toContain('\u001b');
  });
});

test('a terminal keeps the mode that another program gave it', async () => {
  const { file, args } = makeTunlCommand(['serve', '127.0.0.1:0']);
  // As a shell does for its line editor once ssh has ended, while its ProxyCommand still runs.
  const script = `
    exec 4>&1
    coproc { exec "$0" "$@" 2>&1 >&4; }
    read -r line <&"\${COPROC[0]}"
    stty -echo; kill "$COPROC_PID"; wait
    stty -a | grep -oe '-*echo ' | head -n 1`;
  const session = launchInTerminal({ file: 'bash', args: ['-c', script, file, ...args] });
  await session.ended;
  expect(session.stdout().toString()).toBe('-echo \r\n');
});
