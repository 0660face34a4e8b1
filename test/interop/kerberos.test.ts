import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { type Realm, startRealm } from './parts/kerberos.ts';
import { hasSpnego, startMannerProxy } from './parts/manner-proxy.ts';
import { squidDomain, startEverySquid, startKerberosSquid } from './parts/squid.ts';
import { copyProgram, hasKoffi } from './support/koffi.ts';
import { greeting, type Origin, startGreeter, startSilence, startWebOrigin } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { launch, run, type Result } from './support/process.ts';
import { makeFolder } from './support/workspace.ts';

const login = { user: 'carol', password: 'other' };
const request = 'GET /page HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n';

let realm: Realm;
let ticket: Readonly<Record<string, string>>;
let web: Origin;
/** Proxies that know users by Kerberos alone, by a password too, and by every scheme. */
let [squid, lenient, every]: Part[] = [];

beforeAll(async () => {
  realm = await startRealm();
  ticket = await realm.logOn();
  web = await startWebOrigin();
  squid = await startKerberosSquid(realm);
  lenient = await startKerberosSquid(realm, login);
  every = await startEverySquid(realm, login);
  return async () => {
    for (const part of [realm, web, squid, lenient, every]) await part?.stop();
  };
});

const hopTo = (part: Part | undefined, user = '', query = '') => [
  '-x',
  `http://${user}localhost:${part?.port}${query}`,
];

/** A folder for PATH with these programs of this machine alone. */
function makePath(...programs: readonly string[]): string {
  const folder = join(makeFolder('path'), 'bin');
  mkdirSync(folder);
  for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(folder, program));
  return folder;
}

const ways = [
  { name: 'koffi', withKoffi: true, programs: [], skip: !hasKoffi },
  { name: 'curl', withKoffi: false, programs: ['curl'], skip: false },
].filter(({ name, skip }) => {
  if (skip) console.warn(`${name} is not installed: its tests are not run`);
  return !skip;
});

describe.each(ways)('with $name', ({ withKoffi, programs }) => {
  let program: string;
  let path: string;

  beforeAll(() => {
    program = copyProgram(withKoffi);
    path = makePath(...programs);
  });

  const tunl = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Result> =>
    run({ file: process.execPath, args: [program, ...args], env: { PATH: path, ...env } }, { input: request });
  const fetchPage = (env: Readonly<Record<string, string>>, ...hops: readonly string[]) =>
    tunl(env, 'connect', ...hops, `127.0.0.1:${web.port}`);

  test('a ticket opens a tunnel, and nothing is said', async () => {
    const result = await fetchPage(ticket, ...hopTo(squid));
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*GET \/page$/);
  });

  test('a ticket opens a tunnel through two hops', async () => {
    const result = await fetchPage(ticket, ...hopTo(squid), ...hopTo(lenient));
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('GET /page');
  });

  test('without a ticket the advice is to get one', async () => {
    const { code, stdout, stderr } = await fetchPage(realm.loggedOff, ...hopTo(squid));
    expect({ code, stdout }).toEqual({ code: 67, stdout: '' });
    expect(stderr).toMatch(/^tunl: hint: Negotiate: no token for HTTP\/localhost: .*No (?:Kerberos )?credentials/m);
    expect(stderr).toMatch(/^tunl: hint: there is no Kerberos ticket: run kinit/m);
  });

  test('without a ticket the next scheme is tried', async () => {
    const result = await fetchPage(
      realm.loggedOff,
      ...hopTo(lenient, `${login.user}:${login.password}@`, '?auth=auto'),
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('GET /page');
  });

  test.each([
    ['a ticket', () => ticket, login.user],
    ['a password alone', () => realm.loggedOff, login.user],
    ['a password of a user with a domain', () => realm.loggedOff, `${squidDomain}%5C${login.user}`],
  ])('%s opens a tunnel through a proxy with every scheme', async (_, env, user) => {
    const result = await fetchPage(env(), ...hopTo(every, `${user}:${login.password}@`, '?auth=auto'));
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('GET /page');
  });

  test.skipIf(!hasSpnego)('a ticket opens a tunnel through a proxy that closes after its first question', async () => {
    const manner = { schemes: ['negotiate', 'kerberos', 'ntlm'], close: 'first', body: 2000 } as const;
    const proxy = await startMannerProxy(login, manner, { realm });
    onTestFinished(proxy.stop);
    const result = await fetchPage(ticket, ...hopTo(proxy));
    expect(result, proxy.log()).toMatchObject({ code: 0, stderr: '' });
    expect(proxy.log().match(/^\w+$/gm)).toEqual(['none', 'Negotiate']);
  });

  test.skipIf(!hasSpnego)('a proxy in TLS that demands a channel binding takes a token that has one', async () => {
    const certs = await makeCerts();
    onTestFinished(() => certs.remove());
    const proxy = await startMannerProxy(login, { schemes: ['negotiate'] }, { realm, tls: certs.server });
    onTestFinished(proxy.stop);
    const result = await fetchPage(ticket, '-x', `https://localhost:${proxy.port}?cacert=${certs.ca.cert}`);
    // The curl that makes tokens sees no TLS.
    expect(result.code, proxy.log()).toBe(withKoffi ? 0 : 67);
    if (!withKoffi) expect(result.stderr).toContain('a channel binding, which tokens from curl lack: install koffi');
  });

  test('a name that Kerberos does not know is shown, and how to give another', async () => {
    const { code, stderr } = await fetchPage(ticket, ...hopTo(squid, '', '?spn=HTTP/other.example'));
    expect(code).toBe(67);
    expect(stderr).toContain('no token for HTTP/other.example: ');
    expect(stderr).toContain('not found in Kerberos database');
    expect(stderr).toContain('?spn=HTTP/NAME');
  });

  test('a name that is set opens a tunnel to an address', async () => {
    const result = await fetchPage(ticket, '-x', `http://127.0.0.1:${squid?.port}?spn=HTTP/localhost`);
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });

  test('twenty tunnels open at once', async () => {
    const greeter = await startGreeter();
    onTestFinished(greeter.stop);
    const args = [program, 'forward', `127.0.0.1:0:127.0.0.1:${greeter.port}`, ...hopTo(squid)];
    const forward = launch({ file: process.execPath, args, env: { PATH: path, ...ticket } });
    onTestFinished(async () => void (await forward.stop()));
    const [, port] = await forward.waitFor('port', () => /forwarding \S+:(\d+)\b/.exec(forward.stderr()) ?? undefined);
    const said = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(Number(port), '127.0.0.1');
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        return String(chunk);
      }),
    );
    expect(said).toEqual(Array(20).fill(greeting));
  });

  test('a server of Kerberos that never answers does not keep the program', async () => {
    const silence = await startSilence();
    onTestFinished(silence.stop);
    const config = join(makeFolder('silent-realm'), 'krb5.conf');
    const text = readFileSync(realm.env['KRB5_CONFIG'] ?? '', 'utf8');
    writeFileSync(config, text.replace(`127.0.0.1:${realm.port}`, `127.0.0.1:${silence.port}`));
    const env = { ...(await realm.logOn()), KRB5_CONFIG: config, PATH: path };
    const args = [program, 'connect', '--handshake-timeout', '1s', ...hopTo(squid), '127.0.0.1:1'];
    // The library alone would wait for half a minute.
    const { code, stderr } = await run({ file: process.execPath, args, env }, { limitMs: 15_000 });
    expect(stderr).toMatch(/did not answer CONNECT \S+ within 1s/);
    expect(code).toBe(28);
  });

  test('a server of Kerberos that is away is named', async () => {
    const away = await startRealm();
    const stale = await away.logOn();
    await away.stop();
    const { code, stderr } = await fetchPage(stale, ...hopTo(squid));
    expect(code).toBe(67);
    expect(stderr).toMatch(/Cannot contact any KDC for (?:requested )?realm/);
    expect(stderr).toContain('is the VPN up?');
  });
});

/** A proxy that lets everybody in who has a token, and sends this in place of a proof. */
async function startPretender(proof: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const isKnown = chunk.toString('latin1').includes('\r\nProxy-Authorization: Negotiate ');
      const head = isKnown ? '200 OK' : '407 Who are you\r\nContent-Length: 0';
      socket.write(`HTTP/1.1 ${head}\r\nProxy-Authenticate: Negotiate${isKnown ? ` ${proof}` : ''}\r\n\r\n`);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

test.runIf(hasKoffi)('a proxy that cannot prove who it is opens no tunnel', async () => {
  // NegTokenResp: accepted, Kerberos, and no word of the service.
  const port = await startPretender('oRQwEqADCgEAoQsGCSqGSIb3EgECAg==');
  const args = [copyProgram(true), 'connect', '-x', `http://localhost:${port}`, '127.0.0.1:1'];
  const { code, stderr } = await run({ file: process.execPath, args, env: ticket });
  expect(stderr).toMatch(/^tunl: localhost:\d+ does not prove that it is HTTP\/localhost: \S/m);
  expect(code).toBe(67);
});

test('with neither koffi nor curl the reasons are given', async () => {
  const args = [copyProgram(false), 'connect', ...hopTo(squid), '127.0.0.1:1'];
  const env = { PATH: makePath(), ...ticket };
  const { code, stderr } = await run({ file: process.execPath, args, env });
  expect(code).toBe(67);
  expect(stderr).toContain('nothing that makes tokens: koffi is not installed, curl is not installed');
});

test('an address without a name is passed over', async () => {
  const args = [copyProgram(false), 'connect', '-x', `http://127.0.0.1:${squid?.port}`, '127.0.0.1:1'];
  const { code, stderr } = await run({ file: process.execPath, args, env: { ...ticket } });
  expect(code).toBe(67);
  expect(stderr).toContain('an address has no name in Kerberos');
});
