import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startGreeting } from './parts/socat.ts';
import { startSshd } from './parts/sshd.ts';
import type { Part } from './support/part.ts';
import { run } from './support/process.ts';
import { formatSshOptions } from './support/ssh.ts';
import { formatProxyCommand, startTunl, type TunlOptions, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The single executable. */
const path = join(makeFolder('binary'), 'tunl');

/** Nothing is found by its name, Node least of all, and what is meant for Node has no effect. */
const env = { PATH: '/nonexistent', NODE_OPTIONS: '--require=/nonexistent' };

let greeting: Part;

beforeAll(async () => {
  const command = { file: process.execPath, args: [join(root, 'scripts/build-binary.mjs'), path] };
  // With the user's cache, in which Node 26 may be there already.
  const built = await run({ ...command, env: { HOME: process.env['HOME'] ?? '' } }, { limitMs: 170_000 });
  expect(built, built.stderr).toMatchObject({ code: 0 });
  greeting = await startGreeting('hello');
  return () => greeting.stop();
}, 180_000);

const binary = (words: readonly string[], options: TunlOptions = {}) =>
  tunl(words, { ...options, path, env: { ...env, ...options.env } });

const start = async (words: readonly string[]) => {
  const started = await startTunl(words, env, path);
  onTestFinished(() => started.stop());
  return started;
};

const read = (port: number) => ['/usr/bin/curl', '-s', '--http0.9', `telnet://127.0.0.1:${port}`];

describe('the single executable shows', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

  test('its version and its help', async () => {
    expect(await binary(['--version'])).toMatchObject({ code: 0, stdout: `tunl ${version}\n`, stderr: '' });
    expect((await binary(['help', 'forward'])).stdout).toContain('tunl forward');
  });

  test.each([
    [['help', '--man'], 'man/tunl.1'],
    [['help', '--man', 'forward'], 'man/tunl-forward.1'],
    [['completion', 'zsh'], 'completions/_tunl'],
    [['completion', 'bash'], 'completions/tunl.bash'],
  ])('%j, which it contains', async (words, file) => {
    expect(await binary(words)).toMatchObject({ code: 0, stdout: readFileSync(join(root, file), 'utf8') });
  });

  test('the licences of its parts, and of Node', async () => {
    const { stdout } = await binary(['help', 'licenses']);
    for (const part of ['quickjs-wasi', 'yargs', 'Node.js 26.', 'OpenSSL']) expect(stdout).toContain(part);
  });
});

describe('the single executable', () => {
  test('carries ssh through a proxy that it is too', async () => {
    const [sshd, serve] = await Promise.all([startSshd(), start(['serve', '127.0.0.1:0'])]);
    onTestFinished(() => sshd.stop());
    const words = [path, 'connect', '-x', `http://127.0.0.1:${serve.port}`, '%h:%p'];
    const options = formatSshOptions(sshd, { proxyCommand: formatProxyCommand(words) });
    const args = ['-p', String(sshd.port), ...options, `${sshd.user}@127.0.0.1`, 'echo', 'there'];
    expect(await run({ file: 'ssh', args })).toMatchObject({ code: 0, stdout: 'there\n', stderr: '' });
    await serve.waitForLine(/closed: sent/);
  });

  test('asks the system for names by helpers that it is itself', async () => {
    const words = ['connect', '--direct', '--resolver', 'system', `localhost:${greeting.port}`];
    expect(await binary(words)).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' });
    const wrong = await binary(['connect', '--direct', '--resolver', 'system', 'no.such.invalid:1']);
    expect(wrong).toMatchObject({ code: 6 });
  });

  test('runs a command in a forward', async () => {
    const words = ['forward', '--direct', `:127.0.0.1:${greeting.port}`, '--'];
    const command = ['/bin/sh', '-c', '/usr/bin/curl -s --http0.9 telnet://$TUNL_ADDR; exit 3'];
    expect(await binary([...words, ...command])).toMatchObject({ code: 3, stdout: 'hello\n' });
  });

  test('runs a file of Envoy', async () => {
    const file = join(makeFolder('envoy'), 'envoy.yaml');
    writeFileSync(file, makeEnvoyFile(greeting.port));
    const chain = await start(['chain', '-c', file]);
    const [program = '', ...args] = read(chain.port);
    expect(await run({ file: program, args })).toMatchObject({ stdout: 'hello\n' });
  });

  test('runs a PAC file', async () => {
    const serve = await start(['serve', '127.0.0.1:0']);
    const file = join(makeFolder('pac'), 'proxy.pac');
    writeFileSync(file, `function FindProxyForURL() { return 'PROXY 127.0.0.1:${serve.port}' }`);
    const words = ['connect', '-x', `pac+file:${file}`, `127.0.0.1:${greeting.port}`];
    expect(await binary(words)).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' });
    await serve.waitForLine(/closed: sent/);
  });

  test('runs in the background, under its own name', async () => {
    const state = { env: { XDG_STATE_HOME: makeFolder('state') } };
    onTestFinished(async () => void (await binary(['stop', '--all'], state)));
    const words = ['forward', '--direct', `:127.0.0.1:${greeting.port}`, '--detach', '--name', 'one'];
    const detached = await binary(words, state);
    expect(detached).toMatchObject({ code: 0 });
    const [, port = ''] = /forwarding 127\.0\.0\.1:(\d+)/.exec(detached.stderr) ?? [];
    const [program = '', ...args] = read(Number(port));
    expect(await run({ file: program, args })).toMatchObject({ stdout: 'hello\n' });
    expect((await binary(['ps'], state)).stdout).toMatch(/^one +\d+ /m);
    expect(await binary(['stop', 'one'], state)).toMatchObject({ code: 0 });
  });

  test('says that it has no koffi where a proxy wants tickets', async () => {
    const proxy = createServer().listen(0, '127.0.0.1');
    proxy.on('connect', (_request, socket) =>
      socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n'),
    );
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const { code, stderr } = await binary(['connect', '-x', `http://localhost:${port}`, '127.0.0.1:1']);
    expect(code).toBe(67);
    expect(stderr).toContain('the single executable does not load koffi, curl is not installed');
  });
});

function makeEnvoyFile(port: number): string {
  const socket = (number: number) => `{ socket_address: { address: 127.0.0.1, port_value: ${number} } }`;
  return `static_resources:
  listeners:
    - name: in
      address: ${socket(0)}
      filter_chains:
        - filters:
            - name: tcp
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: in
                cluster: out
  clusters:
    - name: out
      type: STATIC
      load_assignment:
        cluster_name: out
        endpoints: [{ lb_endpoints: [{ endpoint: { address: ${socket(port)} } }] }]
`;
}
