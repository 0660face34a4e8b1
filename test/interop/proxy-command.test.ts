import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { eventually } from '../support/eventually.ts';
import { refusedAddress } from '../support/targets/plain.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { formatSshOptions, ssh } from './support/ssh.ts';
import { launchInTerminal, type TerminalRun } from './support/terminal.ts';
import { formatProxyCommand, formatTunlProxyCommand, makeTunlCommand, startTunlServe } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let sshd: Sshd;

/** The number of ssh sessions, one after the other. */
const sessions = amount(3, 40);

beforeAll(async () => {
  sshd = await startSshd();
  return sshd.stop;
});

const deadProxy = `http://127.0.0.1:${refusedAddress.port}`;
const reason = `tunl: cannot connect to the proxy 127.0.0.1:${refusedAddress.port}: connection refused`;

describe('an ssh that stays for others gives its ProxyCommand no stderr', () => {
  const persistent = () => [
    '-o',
    'ControlMaster=auto',
    '-o',
    'ControlPersist=yes',
    '-o',
    `ControlPath=${join(makeFolder('mux'), 's')}`,
  ];

  /** The command line of such an ssh, with a ProxyCommand through a proxy that is down. */
  function formatSsh(flags: readonly string[]): readonly string[] {
    const { file, args } = makeTunlCommand(['connect', ...flags, '-x', deadProxy]);
    const proxyCommand = `${formatProxyCommand([file, ...args])} %h %p`;
    return [...formatSshOptions(sshd, { proxyCommand }), ...persistent(), `${sshd.user}@127.0.0.1`, 'true'];
  }

  async function see(args: readonly string[], script = 'exec ssh "$@"'): Promise<string> {
    const terminal: TerminalRun = launchInTerminal({ file: 'sh', args: ['-c', script, 'sh', ...args] });
    onTestFinished(() => void terminal.stop());
    expect(await terminal.ended).toMatchObject({ code: 255 });
    return terminal
      .stdout()
      .toString()
      .replaceAll(/\r|\u001b\[\d*m/g, '');
  }

  test('and the reason of a failure appears on the terminal, in one line', async () => {
    const shown = await see(formatSsh([]));
    expect(shown.split('\n').filter((line) => line.startsWith('tunl:'))).toEqual([reason]);
  });

  test('which -q keeps away', async () => {
    expect(await see(formatSsh(['-q']))).not.toContain('tunl:');
  });

  test('and where the session has no terminal nothing else happens', async () => {
    const { file, args } = makeTunlCommand(['connect', '-x', deadProxy, 'a:1']);
    const command = formatProxyCommand([file, ...args]);
    for (const [session, said] of [
      ['setsid --wait', ''],
      ['', `${reason}\n`],
    ]) {
      const shown = await see([], `${session} ${command} </dev/null 2>/dev/null; echo status $?; exit 255`);
      expect(shown).toBe(`${said}status 7\n`);
    }
  });

  test('nothing is said twice where stderr is there', async () => {
    const { file, args } = makeTunlCommand(['connect', '-x', deadProxy]);
    const options = formatSshOptions(sshd, { proxyCommand: `${formatProxyCommand([file, ...args])} %h %p` });
    const shown = await see([...options, `${sshd.user}@127.0.0.1`, 'true']);
    expect(shown.split('\n').filter((line) => line === reason)).toHaveLength(1);
  });
});

test('an ssh that waits for a descriptor is told how it takes bytes', async () => {
  const proxyCommand = formatTunlProxyCommand([]);
  const given = await ssh(sshd, { proxyCommand, settings: ['ProxyUseFdpass=yes'] }, 'true');
  expect(given).toMatchObject({ code: 255 });
  expect(given.stderr).toContain('tunl: hint: tunl gives ssh bytes and no descriptor: set ProxyUseFdpass no\n');
  expect(await ssh(sshd, { proxyCommand, settings: ['ProxyUseFdpass=no'] }, 'echo in')).toMatchObject({
    code: 0,
    stdout: 'in\n',
    stderr: '',
  });
});

describe.each([
  ['HTTP/1.1', [], (port: number) => `http://127.0.0.1:${port}`],
  ['HTTP/2', [], (port: number) => `h2c://127.0.0.1:${port}`],
  ['HTTP/2 in TLS', ['--tls'], (port: number) => `h2://127.0.0.1:${port}?insecure`],
  ['a POST over HTTP/2', ['--post'], (port: number) => `post+h2c://127.0.0.1:${port}`],
  ['a POST over HTTP/1.1', ['--post'], (port: number) => `post+http://127.0.0.1:${port}`],
] as const)('over %s', (_what, options, toHop) => {
  test('an ssh session that ends as usual is a clean end in the records of both sides', async () => {
    const serve = await startTunlServe(options);
    onTestFinished(serve.stop);
    const { file, args } = makeTunlCommand(['connect', '-v', '-x', toHop(serve.port)]);
    const proxyCommand = `${formatProxyCommand([file, ...args])} %h %p`;
    const ends: string[] = [];
    for (let turn = 1; turn <= sessions; turn++) {
      const { code, stderr } = await ssh(sshd, { proxyCommand }, 'exit 3');
      expect(code).toBe(3);
      ends.push(...findEnds(stderr));
      await eventually(() => findEnds(serve.log()).length, turn);
    }
    expect([...ends, ...findEnds(serve.log())]).toEqual(Array(2 * sessions).fill('closed'));
  });
});

/** Returns the ends of the tunnels, in the words of the records. */
function findEnds(said: string): string[] {
  return [...said.matchAll(/^tunl: .*?((?:closed|reset|cut|idle|half closed)[^:]*): sent .*$/gm)].map(
    ([, how = '']) => how,
  );
}
