import { Resolver } from 'node:dns/promises';

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createRoute, type Route } from '../../../src/app/stages/route.ts';
import { schemes } from '../../../src/carriers/index.ts';
import type { Address } from '../../../src/core/address.ts';
import type { TunlError } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { Secret } from '../../../src/core/secret.ts';
import { parseHop, splitAlternatives } from '../../../src/syntax/hop.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { calmLimits, startTestServe } from '../../support/harness/app.ts';
import { answerWith, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { greet, refusedAddress, startTarget, type Target } from '../../support/targets/plain.ts';
import { startTls } from '../../support/targets/tls.ts';
import { startSocksGateway } from '../../support/peers/socks-gateway.ts';
import { makeTempFolder, writeTempFile } from '../../support/temp.ts';

beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', makeTempFolder());
  // No name resolves, and no name server is asked.
  const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  vi.spyOn(Resolver.prototype, 'resolve4').mockRejectedValue(unknown);
  vi.spyOn(Resolver.prototype, 'resolve6').mockRejectedValue(unknown);
  return () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  };
});

const refused = `PROXY 127.0.0.1:${refusedAddress.port}`;

/** Writes a PAC file with this result and returns what -x takes. */
function writePac(result: string, folder = makeTempFolder()): string {
  const path = join(folder, 'proxy.pac');
  writeFileSync(path, `function FindProxyForURL(url, host) { return ${JSON.stringify(result)}; }`);
  return `pac+${pathToFileURL(path).href}`;
}

function parse(text: string, more: Partial<Hop> = {}): Hop[] {
  return splitAlternatives(text, '-x').map((url) => {
    const { open: _none, ...hop } = parseHop(url, { source: '-x', tls: {}, headers: [] }, schemes);
    return { ...hop, ...more };
  });
}

async function makeRoute(choices: readonly (readonly Hop[])[]): Promise<Route> {
  const route = await createRoute({ hops: choices, limits: calmLimits });
  onTestFinished(() => void route.close());
  return route;
}

interface Seen {
  readonly notices: string[];
  readonly failures: TunlError[];
}

/** Dials a target, and resolves with the first bytes that it sends. */
async function dial(route: Route, target: Address, seen: Seen = { notices: [], failures: [] }): Promise<string> {
  const link = await route.dial(target, {
    signal: new AbortController().signal,
    target,
    origin: { peer: {} },
    onNotice: (level, message) => void seen.notices.push(`${level}: ${message}`),
    onFailure: (error) => void seen.failures.push(error),
  });
  const received = once(link.stream, 'data');
  link.stream.resume();
  const [chunk] = (await received) as [Buffer];
  link.stream.destroy();
  return chunk.toString();
}

/** Starts a target, and a proxy that counts the tunnels through it. */
async function startBed(): Promise<{ target: Target; proxy: string; count: () => number }> {
  const target = await startTarget(greet('hello'));
  const serve = await startTestServe();
  return {
    target,
    proxy: `PROXY 127.0.0.1:${serve.port}`,
    count: () => serve.eventsOf('tunnel.opened').length,
  };
}

test('goes through the first proxy of the list that takes a connection', async () => {
  const { target, proxy, count } = await startBed();
  const route = await makeRoute([parse(writePac(`${refused}; ${proxy}; DIRECT`))]);
  const seen: Seen = { notices: [], failures: [] };
  expect(await dial(route, target.address, seen)).toBe('hello');
  expect(count()).toBe(1);
  expect(seen.failures.map(({ code, facts }) => [code, facts.hop])).toEqual([
    ['connection_refused', { index: 1, count: 1 }],
  ]);
  expect(seen.notices.at(-1)).toMatch(/^verbose: 127\.0\.0\.1:\d+: .*proxy\.pac says "PROXY 127\.0\.0\.1:1; PROXY/);
});

test('a bad proxy comes last from then on, and is not tried before the others', async () => {
  const { target, proxy, count } = await startBed();
  const route = await makeRoute([parse(writePac(`${refused}; ${proxy}`))]);
  await dial(route, target.address);
  const seen: Seen = { notices: [], failures: [] };
  await dial(route, target.address, seen);
  expect(seen.failures).toEqual([]);
  expect(count()).toBe(2);
});

test('where no proxy can be reached, none is learnt to be bad, and the failure names the hop', async () => {
  const route = await makeRoute([parse(writePac(`${refused}; PROXY nowhere.invalid:1`))]);
  for (const _time of [1, 2]) {
    await expect(dial(route, refusedAddress)).rejects.toMatchObject({
      code: 'connection_refused',
      side: 'hop',
      facts: { hop: { index: 1, count: 1 } },
    });
  }
});

test.each(['403 Forbidden', '407 Proxy Authentication Required', '502 Bad Gateway', '503 Service Unavailable'])(
  'a proxy that answers %s does not give way to the next',
  async (status) => {
    const { proxy, count } = await startBed();
    const refusing = await startTarget(answerWith(writeRefusal(status)));
    const route = await makeRoute([parse(writePac(`PROXY 127.0.0.1:${refusing.port}; ${proxy}; DIRECT`))]);
    await expect(dial(route, refusedAddress)).rejects.toMatchObject({
      side: 'hop',
      facts: { received: Number(status.slice(0, 3)) },
    });
    expect(count()).toBe(0);
  },
);

test('a target that refuses behind a proxy does not give way to the next', async () => {
  const { proxy } = await startBed();
  const other = await startBed();
  const route = await makeRoute([parse(writePac(`${proxy}; ${other.proxy}; DIRECT`))]);
  await expect(dial(route, refusedAddress)).rejects.toMatchObject({ side: 'target' });
  expect(other.count()).toBe(0);
});

test('DIRECT is no proxy, and its failures are those of the target', async () => {
  const { target } = await startBed();
  expect(await dial(await makeRoute([parse(writePac('DIRECT'))]), target.address)).toBe('hello');
  const route = await makeRoute([parse(writePac(`DIRECT; ${refused}`))]);
  await expect(dial(route, refusedAddress)).rejects.toMatchObject({ side: 'target', code: 'connection_refused' });
});

test.each([
  ['SOCKS', 4],
  ['SOCKS4', 4],
  ['SOCKS5', 5],
])('proxies of %s are hops like others', async (word, version) => {
  const { target } = await startBed();
  const { port, requests } = await startSocksGateway((await startTestServe()).port);
  const headers = [['X-Y', 'z']] as const;
  const route = await makeRoute([
    parse(writePac(`${word} 127.0.0.1:${port}`), { headers, settings: { auth: 'basic' } }),
  ]);
  expect(await dial(route, target.address)).toBe('hello');
  expect(requests).toEqual([{ version, host: '127.0.0.1', port: target.port }]);
});

test('further proxies follow the one that is chosen, and the file is asked about the first of them', async () => {
  const { target, proxy, count } = await startBed();
  const last = await startTestServe();
  const route = await makeRoute([parse(writePac(proxy)), parse(`http://127.0.0.1:${last.port}`)]);
  const seen: Seen = { notices: [], failures: [] };
  expect(await dial(route, target.address, seen)).toBe('hello');
  expect([count(), last.eventsOf('tunnel.opened').length]).toEqual([1, 1]);
  expect(seen.notices.at(-1)).toMatch(`verbose: 127.0.0.1:${last.port}: `);
});

test.each([
  ['the PAC file cannot be had', () => 'pac+file:///nowhere/proxy.pac'],
  ['what is there is no PAC file', () => writePac('DIRECT').replace('proxy.pac', '')],
  ['its server cannot be resolved', () => 'pac+http://wpad.invalid/proxy.pac'],
  ['its server cannot be reached', () => 'pac+http://127.0.0.1:1/proxy.pac'],
  ['the proxy of the file cannot be resolved', () => writePac('PROXY proxy.invalid:8080')],
  ['the proxy cannot be resolved', () => 'http://proxy.invalid:8080'],
])('goes direct with |direct where %s', async (_why, write) => {
  const { target } = await startBed();
  const text = write();
  const seen: Seen = { notices: [], failures: [] };
  expect(await dial(await makeRoute([parse(`${text}|direct`)]), target.address, seen)).toBe('hello');
  expect(seen.failures).toHaveLength(1);
  await expect(dial(await makeRoute([parse(text)]), target.address)).rejects.toMatchObject({ side: 'hop' });
});

test.each([
  ['takes no connection', async () => refused],
  ['refuses', async () => `PROXY 127.0.0.1:${(await startTarget(answerWith(writeRefusal('403 Forbidden')))).port}`],
])('does not go direct with |direct where a proxy %s', async (_what, start) => {
  const { target } = await startBed();
  const result = await start();
  for (const text of [writePac(result), `http://${result.replace('PROXY ', '')}`]) {
    await expect(dial(await makeRoute([parse(`${text}|direct`)]), target.address)).rejects.toMatchObject({
      side: 'hop',
    });
  }
  expect(target.accepted).toBe(0);
});

test.each([
  ['direct', 'direct stands for no proxy at all'],
  ['direct|http://p:1', 'direct stands for no proxy at all'],
  ['http://p:1|direct|http://q:1', 'direct is always reached'],
])('%s is refused', async (text, message) => {
  await expect(makeRoute([parse(text)])).rejects.toThrow(message);
});

test('a chooser behind another proxy is refused', async () => {
  await expect(makeRoute([parse('http://p:1'), parse('pac+http://wpad/p')])).rejects.toThrow('can only be first');
  await expect(makeRoute([parse('http://p:1'), parse('http://q:1|direct')])).rejects.toThrow('the first proxy');
});

/** Plays a proxy that a PAC file names, and returns the head that it is sent. */
async function readHead(pac: (result: string) => Hop[]): Promise<string> {
  const proxy = await startTarget();
  const route = await makeRoute([pac(`PROXY 127.0.0.1:${proxy.port}`)]);
  const dialled = dial(route, refusedAddress);
  const peer = await proxy.accept();
  const head = await peer.readHead();
  peer.send('HTTP/1.1 200 OK\r\n\r\nhello');
  expect(await dialled).toBe('hello');
  return head;
}

const headers = [
  ['Proxy-Authorization', 'Bearer token'],
  ['X-Team', 'db'],
] as const;

test('a proxy that a file names gets no header with a secret, unless it is trusted', async () => {
  const open = await readHead((result) => parse(writePac(result), { headers }));
  expect(open).toMatch(/^X-Team: db\r$/m);
  expect(open).not.toMatch(/Authorization/i);
  const trusted = await readHead((result) => parse(`${writePac(result)}?trust=*.corp,127.0.0.*`, { headers }));
  expect(trusted).toMatch(/^Proxy-Authorization: Bearer token\r$/m);
});

test('a proxy that a file names gets the password that the user noted for its host', async () => {
  const findLogin = async (host: string) =>
    host === '127.0.0.1' ? { user: 'me', password: new Secret('s') } : undefined;
  const withLogin = ([hop]: Hop[]): Hop[] =>
    hop?.chooser ? [{ ...hop, chooser: { ...hop.chooser, findLogin } }] : expect.fail('no chooser');
  const head = await readHead((result) => withLogin(parse(writePac(result))));
  expect(head).toMatch(`Proxy-Authorization: Basic ${Buffer.from('me:s').toString('base64')}\r\n`);
});

test.each([
  ['', false],
  ['&trust=127.0.0.1', true],
])('a token goes to a proxy that a file names only if it is trusted: %j', async (trust, isSent) => {
  const heads: string[] = [];
  const proxy = await startTarget((socket) => {
    let head = '';
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      heads.push(head);
      if (/^Proxy-Authorization: Bearer t0ken\r$/im.test(head)) socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
      else socket.end(writeRefusal('407 Who', ['Proxy-Authenticate: Bearer', 'Connection: close']));
      head = '';
    });
  });
  const token = writeTempFile('token', 't0ken\n');
  const route = await makeRoute([
    parse(`${writePac(`PROXY 127.0.0.1:${proxy.port}`)}?auth=bearer&token-file=${token}${trust}`),
  ]);
  const dialled = dial(route, refusedAddress);
  if (isSent) expect(await dialled).toBe('hello');
  else await expect(dialled).rejects.toMatchObject({ code: 'auth_required', side: 'hop' });
  expect(heads.some((head) => head.includes('t0ken'))).toBe(isSent);
});

test('a PAC file over HTTPS is read from a server whose certificate is right, and from no other', async () => {
  const target = await startTarget(greet('hello'));
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  const text = `function FindProxyForURL() { return 'DIRECT'; }`;
  const port = await startTls(certs.server, (socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`));
  });
  const url = `pac+https://127.0.0.1:${port}/proxy.pac`;
  const untrusted = await makeRoute([parse(url)]);
  await expect(dial(untrusted, target.address)).rejects.toMatchObject({
    code: 'tls_certificate_error',
    side: 'hop',
    message: expect.stringMatching(/^the PAC file https:\/\/127\.0\.0\.1:\d+\/proxy\.pac cannot be had: /),
  });
  const trusted = await makeRoute([parse(`${url}?cacert=${certs.ca.cert}`)]);
  expect(await dial(trusted, target.address)).toBe('hello');
});
