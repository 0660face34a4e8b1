import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { validateReport } from '../../support/check-schema.ts';
import { alice, startAskingProxy } from '../../support/peers/asking-proxy.ts';
import { startManneredProxy, type TunnelManner } from '../../support/peers/mannered-proxy.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerAtEnd, echo, echoAfter, greet, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** A proxy of some manner before an echo, which it knows as box.example:7. */
async function startEchoBehind(manner: Partial<TunnelManner> = {}): Promise<string> {
  const target = await startTarget(echoAfter(20));
  const proxy = await startManneredProxy({ reach: { 'box.example:7': target.port }, ...manner });
  return `http://127.0.0.1:${proxy.port}`;
}

const cacheOf = (caches: string, name: string) => join(caches, 'tunl', name);

test('a report is on standard output, line by line, and ends with what to type', async () => {
  const proxy = await startEchoBehind();
  const { code, stdout, stderr } = await runTunl(['check', '-x', proxy, 'box.example:7']);
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout
    .replaceAll(/[\d.]+ m?s\b/g, 'N ms')
    .replaceAll(proxy, 'http://proxy')
    .split('\n');
  expect(lines).toEqual([
    '[✓] proxy      http://proxy (from -x), 127.0.0.1, connected in N ms',
    '[✓] HTTP       1.1, no TLS',
    '[✓] asks for   nothing',
    '[✓] CONNECT    box.example:7 open in N ms',
    '[✓] bytes      pass, and box.example:7 answers',
    '[ ] idle       not measured (--idle 10m)',
    '',
    'a tunnel to box.example:7 opens through this proxy:',
    '    tunl connect -x http://proxy box.example:7',
    '',
  ]);
});

test('the proxy of a variable is named by it, and is not repeated in the command', async () => {
  const proxy = await startEchoBehind();
  const { code, stdout } = await runTunl(['check', 'box.example:7'], { https_proxy: proxy });
  expect(code).toBe(0);
  expect(stdout).toContain(`${proxy} (from https_proxy)`);
  expect(stdout).toContain('    tunl connect box.example:7\n');
});

test('without a proxy it says why there is none', async () => {
  const target = await startTarget(echo);
  const place = `127.0.0.1:${target.port}`;
  const { code, stdout } = await runTunl(['check', place]);
  expect(code).toBe(0);
  expect(stdout).toContain(`[✓] proxy      none: ${place}: no proxy, as no proxy variable is set\n`);
  expect(stdout).toContain(`a tunnel to ${place} opens without a proxy:\n`);
});

test('with --json it is one object, and messages are events on standard error', async () => {
  const proxy = await startEchoBehind({ noHalfClose: true });
  const { code, stdout, stderr } = await runTunl(['check', '--json', '--deep', '-x', proxy, 'box.example:7']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toHaveLength(2);
  const report = JSON.parse(stdout) as {
    readonly verdicts: readonly { readonly name: string; readonly facts: object }[];
  };
  expect(validateReport(report)).toBe('');
  expect(report.verdicts.find(({ name }) => name === 'half-close')?.facts).toEqual({ isKept: false });
});

test('a report of a chain tells of each proxy, and the exit status of the first failure', async () => {
  const last = await startEchoBehind({ ports: [443] });
  const [, port = ''] = /:(\d+)$/.exec(last) ?? [];
  const first = await startManneredProxy({ reach: { [`127.0.0.1:${port}`]: Number(port) } });
  const words = ['check', '-x', `http://127.0.0.1:${first.port}`, '-x', last, 'box.example:7'];
  const { code, stdout } = await runTunl(words);
  expect(code).toBe(97);
  expect(stdout).toContain(`            ${last}, through hop 1\n`);
  expect(stdout).toContain('[✓] asks for   hop 1: nothing\n[✓]            hop 2: nothing\n');
  expect(stdout).toContain('refused CONNECT box.example:7: 403 Forbidden');
});

test('a proxy that a PAC file names is examined as the user would reach it', async () => {
  const proxy = await startEchoBehind();
  const file = join(makeTempFolder(), 'proxy.pac');
  writeFileSync(file, `function FindProxyForURL() { return 'PROXY ${proxy.slice('http://'.length)}'; }`);
  const { code, stdout, stderr } = await runTunl(['check', '-x', `pac+file://${file}`, 'box.example:7']);
  expect(stderr).toBe('');
  expect(stdout).toContain(`box.example:7: ${file} says "PROXY ${proxy.slice('http://'.length)}"`);
  expect(stdout).toContain('[✓] bytes      pass');
  expect(code).toBe(0);
});

test('a password is sent once, and nothing that it says holds it', async () => {
  const proxy = await startAskingProxy({ challenges: ['NTLM', 'Basic realm="corp"'] });
  const url = `http://alice:not-this-one@127.0.0.1:${proxy.port}`;
  const { code, stdout, stderr } = await runTunl(['check', '-x', url, '127.0.0.1:9', '-vv']);
  expect(code).toBe(67);
  expect([proxy.refused, proxy.requests.some(({ scheme }) => scheme === 'Basic')]).toEqual([1, false]);
  expect(stdout + stderr).not.toContain('not-this-one');
});

test('it stops when it is told to', async () => {
  const proxy = await startTarget();
  const tunl = startTunl(['check', '-x', `http://127.0.0.1:${proxy.port}`, 'box.example:7']);
  await proxy.accept();
  tunl.child.kill('SIGTERM');
  expect(await tunl.ended).toMatchObject({ code: 143 });
});

test.each([
  [[], 'the target is missing'],
  [['--probe', 'a b', 'box:1'], '--probe: '],
  [['--idle', '5', 'box:1'], '--idle: "5" is not a duration'],
])('%j are no arguments for it', async (words, message) => {
  const { code, stderr } = await runTunl(['check', ...words]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('what it finds about half-close serves connect and forward, until a tunnel shows that it is wrong', async () => {
  const [echoing, answering] = [await startTarget(echo), await startTarget(answerAtEnd(() => 'the answer'))];
  const reach = { 'box.example:7': echoing.port, 'box.example:9': answering.port };
  const manner: { noHalfClose?: true } = {};
  const proxy = await startManneredProxy({
    reach,
    get noHalfClose() {
      return manner.noHalfClose;
    },
  } as TunnelManner);
  const url = `http://127.0.0.1:${proxy.port}`;
  const caches = makeTempFolder();
  const env = { XDG_CACHE_HOME: caches };
  const file = cacheOf(caches, 'half-close.json');
  expect((await runTunl(['check', '--deep', '--no-cache', '-x', url, 'box.example:7'], env)).code).toBe(0);
  expect(existsSync(file)).toBe(false);
  expect((await runTunl(['check', '--deep', '-x', url, 'box.example:7'], env)).code).toBe(0);
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object)).toEqual([url]);

  // The wait would outlast the test: only an end that goes out at once is answered in time.
  const connect = (...more: string[]) => {
    const words = ['connect', '-v', '--half-close-wait', '10m', ...more, '-x', url, 'box.example:9'];
    return runTunl(words, env);
  };
  const said = `${url}: it keeps the two halves of a tunnel apart, says the cache (--no-cache)`;
  const kept = await connect();
  expect([kept.code, kept.stdout]).toEqual([0, 'the answer']);
  expect(kept.stderr).toContain(said);
  const forward = startTunl(['forward', '-v', '--half-close-wait', '10m', '-x', url, ':box.example:9'], env);
  const [, port = ''] = await forward.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  expect(await forward.waitFor(/says the cache/)).toBeTruthy();
  const client = await connectPeer(Number(port));
  client.send('ping');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('the answer');
  forward.child.kill('SIGTERM');
  await forward.ended;

  manner.noHalfClose = true;
  const cut = await connect();
  expect(cut.stderr).toMatch(/the tunnel ended as soon as 127\.0\.0\.1:\d+ was told that our bytes have ended/);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({});
});

test('what it finds about the login saves connect a round', async () => {
  const target = await startTarget(greet('welcome'));
  const proxy = await startAskingProxy({ challenges: ['NTLM'] });
  const env = { XDG_CACHE_HOME: makeTempFolder() };
  const route = ['-x', `http://CORP%5Calice:${alice.password}@127.0.0.1:${proxy.port}`, `127.0.0.1:${target.port}`];
  expect((await runTunl(['check', ...route], env)).code).toBe(0);
  const before = proxy.requests.length;
  const { stdout, stderr } = await runTunl(['connect', '-v', ...route], env);
  expect(stdout).toBe('welcome');
  expect(stderr).toContain(': it accepts NTLM, says the cache (--no-cache)\n');
  expect(proxy.requests.slice(before).map(({ scheme }) => scheme)).toEqual(['NTLM', 'NTLM']);
});
