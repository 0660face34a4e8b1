import { createPrivateKey } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { greeting, type Origin, startGreeter } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { launchInTerminal, type TerminalRun } from './support/terminal.ts';
import { makeTunlCommand, startTunlServe, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

// No digits: the port of the proxy stands in the question.
const password = 'grüße dich';

let proxy: Part;
let target: Origin;
/** The words of a connect to the target that leave the password open. */
let connect: string[];

beforeAll(async () => {
  target = await startGreeter();
  proxy = await startTunlServe(['--user', 'me'], { TUNL_SERVE_PASSWORD: password });
  connect = ['connect', '-x', `http://me@127.0.0.1:${proxy.port}`, `127.0.0.1:${target.port}`];
  return () => Promise.all([proxy.stop(), target.stop()]);
});

/** Runs a shell script in a terminal of its own, which is gone after the test. */
function openTerminal(script: string, env: Readonly<Record<string, string>> = {}): TerminalRun {
  const terminal = launchInTerminal({ file: 'sh', args: ['-c', script], env });
  onTestFinished(() => void terminal.stop());
  return terminal;
}

function formatConnect(): string {
  const { file, args } = makeTunlCommand(connect);
  return [file, ...args].join(' ');
}

/** Tells the mode of the terminal around what is run in it. */
const keepingMode = (script: string) => `before=$(stty -g)
  ${script}; echo "status $?"
  test "$before" = "$(stty -g)" && echo "mode kept"`;

/** Opens a terminal with a connect that has something to read from stdin. */
function openConnect(env: Readonly<Record<string, string>> = {}): TerminalRun {
  return openTerminal(keepingMode(`echo "from stdin" | ${formatConnect()}`), env);
}

const question = () => new RegExp(`tunl: password of me for 127\\.0\\.0\\.1:${proxy.port}: `);

describe('the question for a password', () => {
  test('is asked on the terminal, shows no key, and leaves stdin to the tunnel', async () => {
    const terminal = openConnect();
    await terminal.waitForScreen(question());
    terminal.type(`${password}\r`);
    await terminal.waitForScreen(/mode kept/);
    expect(terminal.stdout().toString().replaceAll('\r', '')).toMatch(
      new RegExp(`: \n${greeting}from stdin\nstatus 0\nmode kept\n$`),
    );
    expect(terminal.stdout().toString()).not.toContain('dich');
  });

  test.each([
    ['backspace', `${password}ü\x7f`],
    ['backspace as control H', `${password}xy\b\b`],
    ['control U', `wrong\x15${password}`],
  ])('understands %s', async (_key, keys) => {
    const terminal = openConnect();
    await terminal.waitForScreen(question());
    terminal.type(`${keys}\n`);
    await terminal.waitForScreen(/status 0[^]*mode kept/);
  });

  test('takes a line that control D ends', async () => {
    const terminal = openConnect();
    await terminal.waitForScreen(question());
    terminal.type(`${password}\x04`);
    await terminal.waitForScreen(/status 0[^]*mode kept/);
  });

  test.each([
    ['control D', '\x04', 'no password was typed', 2],
    ['an empty line', '\r', 'the password that was given is empty', 2],
    ['control C', 'half\x03', 'interrupted by SIGINT', 130],
    ['control \\', 'half\x1c', 'interrupted by SIGQUIT', 131],
  ])('ends with %s, and the terminal is as it was', async (_key, keys, message, status) => {
    // The keys signal every program in front of the terminal, and the shell must stay to print the mode.
    const terminal = openTerminal(`trap : INT QUIT; ${keepingMode(formatConnect())}`);
    await terminal.waitForScreen(question());
    terminal.type(keys);
    await terminal.waitForScreen(/mode kept/);
    expect(terminal.stdout().toString()).toContain(`tunl: ${message}`);
    expect(terminal.stdout().toString()).toContain(`status ${status}\r\n`);
    expect(terminal.stdout().toString()).not.toContain('half');
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('ends with %s, and the terminal is as it was', async (signal) => {
    const terminal = openTerminal(keepingMode(`${formatConnect()} & echo "pid $!."; wait $!`));
    const [, pid] = await terminal.waitForScreen(/pid (\d+)\./);
    await terminal.waitForScreen(question());
    process.kill(Number(pid), signal);
    await terminal.waitForScreen(/mode kept/);
    expect(terminal.stdout().toString()).toContain(`status ${signal === 'SIGTERM' ? 143 : 129}\r\n`);
  });

  test('is asked again after a stop', async () => {
    const job = `${formatConnect()} </dev/null; echo "stopped $?"; stty -a | grep -o " echo "; fg; echo "status $?"`;
    const terminal = openTerminal(`bash -mc '${job}'`);
    await terminal.waitForScreen(question());
    terminal.type('half\x1a');
    await terminal.waitForScreen(new RegExp(`stopped 148[^]* echo [^]*${question().source}`));
    terminal.type(`\x15${password}\r`);
    await terminal.waitForScreen(/status 0/);
    expect(terminal.stdout().toString()).not.toContain('half');
  });
});

describe('the question for the password of a key', () => {
  let certs: Certs;
  let script: string;

  beforeAll(async () => {
    certs = await makeCerts();
    const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password } as const;
    const key = certs.write('encrypted.key', createPrivateKey(certs.client.keyPem).export(encrypted));
    // Nobody listens there, so the connection is refused after the question.
    const hop = `https://127.0.0.1:1?cert=${certs.client.cert}&key=${key}`;
    const { file, args } = makeTunlCommand(['connect', '-x', `'${hop}'`, 'db:22']);
    script = `trap : INT; ${keepingMode([file, ...args].join(' '))}`;
    return certs.remove;
  });

  test.each([
    ['the right one goes on', `${password}\r`, 'connection refused', 7],
    ['a wrong one does not', 'wrong\r', 'does not open with the password from the answer to a question', 2],
    ['control C ends it', 'half\x03', 'status 130', 130],
  ])('%s, and the terminal is as it was', async (_, keys, message, status) => {
    const terminal = openTerminal(script);
    await terminal.waitForScreen(/tunl: password of key "\S+": /);
    terminal.type(keys);
    await terminal.waitForScreen(/mode kept/);
    const shown = terminal.stdout().toString();
    expect(shown).toContain(message);
    expect(shown).toContain(`status ${status}\r\n`);
    expect(shown).not.toMatch(/half|dich/);
  });
});

describe('SSH_ASKPASS', () => {
  let askpass: string;

  beforeAll(() => {
    askpass = join(makeFolder('askpass'), 'askpass');
    writeFileSync(askpass, `#!/bin/sh\necho "asked with $1" >&2\necho '${password}'\n`, { mode: 0o755 });
  });

  test('is used without a terminal', async () => {
    const { code, stdout, stderr } = await tunl(connect, { env: { SSH_ASKPASS: askpass } });
    expect([code, stdout]).toEqual([0, greeting]);
    expect(stderr).toBe(`asked with tunl: password of me for 127.0.0.1:${proxy.port}:\n`);
  });

  test('says nothing of its own with --json', async () => {
    const { code, stderr } = await tunl([...connect, '--json'], { env: { SSH_ASKPASS: askpass } });
    expect(code).toBe(0);
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ version: 1 });
  });

  test.each([[{ SSH_ASKPASS_REQUIRE: 'never' }], [{}]])(
    'is nobody to ask with %j, and there is no terminal either',
    async (env) => {
      const askedFor = 'SSH_ASKPASS_REQUIRE' in env ? { SSH_ASKPASS: askpass } : {};
      const { code, stderr } = await tunl(connect, { env: { ...env, ...askedFor } });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^tunl: -x "http:\/\/\*\*\*@127\.0\.0\.1:\d+" has a user and no password\n/);
      expect(stderr).toContain('nobody can be asked: there is no terminal and no SSH_ASKPASS');
    },
  );

  test('is not used where there is a terminal', async () => {
    const terminal = openConnect({ SSH_ASKPASS: askpass });
    await terminal.waitForScreen(question());
    terminal.type(`${password}\r`);
    await terminal.waitForScreen(/status 0/);
    expect(terminal.stdout().toString()).not.toContain('asked with');
  });

  test.each(['force', 'prefer'])('is used where there is a terminal and SSH_ASKPASS_REQUIRE is %s', async (require) => {
    const terminal = openConnect({ SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: require });
    await terminal.waitForScreen(/asked with tunl: password of me[^]*status 0/);
  });
});

describe('tunl passwd', () => {
  const file = () => join(makeFolder('passwd'), 'users');

  function askFor(path: string): TerminalRun {
    const { file: program, args } = makeTunlCommand(['passwd', path, 'alice']);
    return openTerminal(`'${program}' '${args.join("' '")}'`);
  }

  test('asks twice, shows no key, and writes what serve reads', async () => {
    const path = file();
    const terminal = askFor(path);
    await terminal.waitForScreen(/Password of "alice":/);
    terminal.type('secret\r');
    await terminal.waitForScreen(/Once more:/);
    terminal.type('secret\r');
    expect(await terminal.ended).toMatchObject({ code: 0 });
    expect(terminal.stdout().toString()).toMatch(/tunl: added "alice" in .*users\r\n$/);
    expect(terminal.stdout().toString()).not.toContain('secret');
    const guarded = await startTunlServe(['--auth-file', path]);
    onTestFinished(guarded.stop);
    const words = ['connect', '--check', '-x', `http://alice@127.0.0.1:${guarded.port}`, `127.0.0.1:${target.port}`];
    expect(await tunl(words, { env: { TUNL_PROXY_PASSWORD: 'secret' } })).toMatchObject({ code: 0 });
    expect(await tunl(words, { env: { TUNL_PROXY_PASSWORD: 'other' } })).toMatchObject({ code: 67 });
  });

  test('writes nothing if the second one differs', async () => {
    const path = file();
    const terminal = askFor(path);
    await terminal.waitForScreen(/Password of "alice":/);
    terminal.type('secret\r');
    await terminal.waitForScreen(/Once more:/);
    terminal.type('sercet\r');
    expect(await terminal.ended).toMatchObject({ code: 2 });
    expect(terminal.stdout().toString()).toContain('tunl: the two passwords differ; nothing was written');
    expect(existsSync(path)).toBe(false);
  });
});
