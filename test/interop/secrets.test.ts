import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { realmName, startRealm } from './parts/kerberos.ts';
import { squidDomain, startDigestSquid, startEverySquid, startGuardedSquid, startNtlmSquid } from './parts/squid.ts';
import { copyProgram } from './support/koffi.ts';
import { startSilence } from './support/origin.ts';
import { launch } from './support/process.ts';
import { findForms, listDescendants, listForms, readProcess } from './support/secrets.ts';
import { makeTunlCommand, startTunlServe, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const login = { user: 'alice', password: 'wonder-4711-Qz' } as const;
const wrong = { user: 'alice', password: 'hunter2-0815-Qz' } as const;
const account = `${squidDomain}%5C${login.user}`;
const forms = new Map([
  ...listForms(login, 'corp'),
  ...[...listForms(wrong, 'corp')].map(([name, form]) => [`${name}, wrong`, form] as const),
]);

test('what is looked for is found where it is', () => {
  const seen = `Proxy-Authorization: Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  expect(findForms(Buffer.from(seen), forms)).toContain('Basic credentials');
  expect(findForms(Buffer.from(login.password, 'utf16le'), forms)).toEqual(['the password in UTF-16']);
});

const proxies = [
  ['Basic', () => startGuardedSquid(login), login.user],
  ['Digest', () => startDigestSquid(login), login.user],
  ['NTLM', () => startNtlmSquid(login), account],
] as const;

describe.each(proxies)('through squid with %s', (_, start, user) => {
  test.each(['-vv', '--json'])('connect and forward with %s say and keep no secret', async (option) => {
    const [proxy, target] = [await start(), await startTarget(echo)];
    onTestFinished(proxy.stop);
    const cache = makeFolder('cache');
    const hop = `http://${user}@127.0.0.1:${proxy.port}?auth=auto`;
    const options = [option, '--half-close-wait', '300ms', '-x', hop];
    const envOf = ({ password }: { readonly password: string }) => ({
      TUNL_PROXY_PASSWORD: password,
      XDG_CACHE_HOME: cache,
    });
    const connect = (who: typeof login | typeof wrong) =>
      tunl(['connect', ...options, `127.0.0.1:${target.port}`], { input: 'hello', env: envOf(who) });
    const [right, refused] = [await connect(login), await connect(wrong)];
    expect([right.code, right.stdout, refused.code]).toEqual([0, 'hello', 67]);
    const forward = launch(makeTunlCommand(['forward', ...options, `:127.0.0.1:${target.port}`], envOf(login)));
    onTestFinished(async () => void (await forward.stop()));
    const [, port] = await forward.waitFor(
      'its port',
      () => /127\.0\.0\.1:(\d+)"? ?(?:->|,)/.exec(forward.stderr()) ?? undefined,
    );
    const client = await connectPeer(Number(port));
    client.send('hello');
    expect(await client.readUntil('hello')).toBe('hello');
    for (const child of listDescendants(forward.child.pid ?? 0))
      for (const [what, bytes] of readProcess(child)) expect([what, ...findForms(bytes, forms)]).toEqual([what]);
    expect(findForms(readFileSync(`/proc/${forward.child.pid}/cmdline`), forms)).toEqual([]);
    client.reset();
    await forward.stop();
    const kept = readdirSync(cache, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    const said = [right, refused].map(({ stderr }) => Buffer.from(stderr));
    expect(kept).not.toEqual([]);
    for (const bytes of [...said, Buffer.from(forward.stderr()), ...kept]) expect(findForms(bytes, forms)).toEqual([]);
  });
});

test('serve says no secret of its users', async () => {
  const users = join(makeFolder('htdigest'), 'users');
  const key = createHash('sha256').update(`${login.user}:corp:${login.password}`).digest('hex');
  writeFileSync(users, `${login.user}:corp:${key}\n`);
  const target = await startTarget(echo);
  const serve = await startTunlServe(['-vv', '--auth-file', users]);
  onTestFinished(serve.stop);
  for (const { user, password } of [login, wrong])
    for (const auth of ['basic', 'digest']) {
      const hop = `http://${user}:${password}@127.0.0.1:${serve.port}?auth=${auth}`;
      const { code } = await tunl(['connect', '-x', hop, `127.0.0.1:${target.port}`], { input: '' });
      expect(code).toBe(password === login.password ? 0 : 67);
    }
  expect(serve.log()).toContain('407');
  expect(findForms(Buffer.from(serve.log()), forms)).toEqual([]);
});

test('the curl that makes tokens knows no password: not in its arguments, its environment or its memory', async () => {
  const [realm, silence] = [await startRealm(), await startSilence()];
  onTestFinished(async () => void (await Promise.all([realm.stop(), silence.stop()])));
  const proxy = await startEverySquid(realm, login);
  onTestFinished(proxy.stop);
  // The server of Kerberos keeps curl waiting while it is looked at.
  const config = join(makeFolder('silent-realm'), 'krb5.conf');
  const text = readFileSync(realm.env['KRB5_CONFIG'] ?? '', 'utf8');
  writeFileSync(config, text.replace(`127.0.0.1:${realm.port}`, `127.0.0.1:${silence.port}`));
  const command = {
    file: process.execPath,
    args: [
      copyProgram(false),
      'connect',
      '-vv',
      '-x',
      `http://${account}@localhost:${proxy.port}?auth=auto`,
      '127.0.0.1:1',
    ],
    env: { ...(await realm.logOn()), KRB5_CONFIG: config, TUNL_PROXY_PASSWORD: login.password },
  };
  const running = launch(command);
  onTestFinished(async () => void (await running.stop()));
  await expect.poll(() => listCurls(running.child.pid), { timeout: 15_000 }).toHaveLength(1);
  const [curl = 0] = listCurls(running.child.pid);
  // By then its library of Kerberos has read the configuration, and looks for a token.
  await expect.poll(() => readProcess(curl).get('memory')?.includes(realmName), { timeout: 10_000 }).toBe(true);
  const seen = readProcess(curl);
  // What is not secret is found, so the search reads the right bytes.
  expect(seen.get('environment')?.includes(config)).toBe(true);
  for (const [what, bytes] of seen) expect([what, ...findForms(bytes, forms)]).toEqual([what]);
  await running.stop();
  expect(findForms(Buffer.from(running.stderr()), forms)).toEqual([]);
});

/** The processes below this one that run curl to make a token. */
function listCurls(pid = 0): number[] {
  return listDescendants(pid).filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'latin1').startsWith('curl\0-q\0-K');
    } catch {
      return false;
    }
  });
}
