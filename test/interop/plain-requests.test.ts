import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import puppeteer from 'puppeteer-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { startSquid } from './parts/squid.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { type Result, run } from './support/process.ts';
import { startRegistry, wheelName } from './support/registry.ts';
import { startTunlServe, type TunlPart } from './support/tunl.ts';
import { readResidentMib } from './support/usage.ts';
import { makeFolder } from './support/workspace.ts';

let web: Origin;
let registry: Part;
let proxy: TunlPart;

beforeAll(async () => {
  [web, registry, proxy] = await Promise.all([startWebOrigin(), startRegistry(), startTunlServe()]);
  return async () => {
    await Promise.all([proxy.stop(), registry.stop(), web.stop()]);
  };
});

/** The variables by which programs find the proxy. */
const envOf = (part: Part) => ({ http_proxy: `http://127.0.0.1:${part.port}` });

/** Runs a program whose requests go through the proxy, and expects it to succeed. */
async function succeed(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const result = await run({ file, args, env: { ...envOf(proxy), ...env } });
  expect(result, `${result.stderr}\n${proxy.log()}`).toMatchObject({ code: 0 });
  return result;
}

describe('curl', () => {
  const curl = (...args: string[]) => succeed('curl', ['-q', '-sS', ...args]);

  test('gets pages, several over one connection', async () => {
    const urls = ['a', 'b', 'c'].map((path) => `http://localhost:${web.port}/${path}`);
    const { stdout, stderr } = await curl('-v', ...urls);
    expect(stdout).toBe('GET /aGET /bGET /c');
    expect(stderr).toContain('Re-using existing connection');
  });

  test('sends bodies with a length and in chunks', async () => {
    const url = `http://localhost:${web.port}/`;
    expect((await curl('--data-binary', 'abc', url)).stdout).toBe('abc');
    const chunked = await curl('-X', 'PUT', '-H', 'Transfer-Encoding: chunked', '--data-binary', 'abc', url);
    expect(chunked.stdout).toBe('PUT /');
  });

  test('is told to make a tunnel by a proxy that forwards none', async () => {
    const strict = await startTunlServe(['--no-plain']);
    onTestFinished(() => strict.stop());
    const at = ['-q', '-sS', '-x', `http://127.0.0.1:${strict.port}`, `http://localhost:${web.port}/x`];
    expect((await run({ file: 'curl', args: at })).stdout).toMatch(/ask for https:\/\/, or for a tunnel \(curl -p\)/);
    expect((await run({ file: 'curl', args: ['-p', ...at] })).stdout).toBe('GET /x');
  });

  test('gets a large answer whole, while the memory of the proxy stays flat', async () => {
    const megabytes = amount(32, 200);
    const chunk = Buffer.alloc(2 ** 20, 'tunl');
    const expected = createHash('sha256');
    for (let at = 0; at < megabytes; at++) expected.update(chunk);
    const server = createServer((_request, response) => {
      pipeline(Readable.from(Array.from({ length: megabytes }, () => chunk)), response, () => {});
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await curl('-o', '/dev/null', url);
    const before = readResidentMib(proxy.pid);
    const script = `curl -q -sS '${url}' | sha256sum`;
    const { stdout } = await succeed('sh', ['-c', script]);
    expect(stdout.split(' ')[0]).toBe(expected.digest('hex'));
    // Nobody reads for a second: the answer waits at the target.
    await succeed('sh', ['-c', `curl -q -sS '${url}' | (sleep 1; cat >/dev/null)`]);
    expect(readResidentMib(proxy.pid) - before).toBeLessThan(24);
  });
});

test('git clones', async () => {
  const folder = join(makeFolder('git'), 'parcel');
  await succeed('git', ['clone', '-q', `http://localhost:${registry.port}/parcel.git`, folder]);
  expect(readFileSync(join(folder, 'parcel'), 'utf8')).toBe('delivered\n');
  expect(proxy.log()).toContain(`GET http://localhost:${registry.port}/parcel.git/info/refs`);
});

test('npm installs', async () => {
  const folder = makeFolder('npm');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const words = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-update-notifier'];
  const env = { npm_config_cache: makeFolder('npm-cache'), npm_config_proxy: `http://127.0.0.1:${proxy.port}` };
  await succeed('npm', [...words, '--registry', `http://localhost:${registry.port}/npm/`, 'parcel'], env);
  expect(readFileSync(join(folder, 'node_modules/parcel/index.js'), 'utf8')).toContain('delivered');
  expect(proxy.log()).toContain(`GET http://localhost:${registry.port}/npm/parcel `);
});

test('pip downloads', async () => {
  const folder = makeFolder('pip');
  const words = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'];
  const index = ['--index-url', `http://localhost:${registry.port}/pip/`];
  await succeed('python3', [...words, ...index, '-d', folder, 'parcel']);
  expect(existsSync(join(folder, wheelName))).toBe(true);
  expect(proxy.log()).toContain(`GET http://localhost:${registry.port}/pip/parcel/`);
});

test('apt updates its lists and downloads a package', async () => {
  const root = makeFolder('apt');
  const [site, state] = [join(root, 'site'), join(root, 'state')];
  for (const path of [
    'site',
    'package/DEBIAN',
    'state/lists/partial',
    'state/cache/archives/partial',
    'state/etc/apt.conf.d',
    'state/etc/preferences.d',
  ]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  writeFileSync(
    join(root, 'package/DEBIAN/control'),
    'Package: parcel\nVersion: 1\nArchitecture: all\nMaintainer: test <test@test.invalid>\nDescription: delivered\n',
  );
  writeFileSync(join(state, 'status'), '');
  const build = `dpkg-deb -b package site/parcel_1_all.deb && cd site && dpkg-scanpackages . > Packages`;
  expect(await run({ file: 'sh', args: ['-c', build], cwd: root })).toMatchObject({ code: 0 });
  const server = createServer((request, response) => {
    const path = join(site, new URL(request.url ?? '', 'http://host').pathname);
    if (existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(state, 'sources.list'), `deb [trusted=yes] ${url} ./\n`);
  const options = [
    `Dir::Etc=${state}/etc`,
    `Dir::Etc::sourcelist=${state}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State=${state}`,
    `Dir::State::status=${state}/status`,
    `Dir::Cache=${state}/cache`,
    'APT::Sandbox::User=',
    `Acquire::http::Proxy=http://127.0.0.1:${proxy.port}`,
  ].flatMap((option) => ['-o', option]);
  await succeed('apt-get', [...options, 'update']);
  const downloads = makeFolder('downloads');
  const words = ['-c', `cd '${downloads}' && exec apt-get "$@"`, 'sh', ...options, 'download', 'parcel'];
  await succeed('sh', words);
  expect(existsSync(join(downloads, 'parcel_1_all.deb'))).toBe(true);
  expect(proxy.log()).toContain(`GET ${url}/./parcel_1_all.deb`);
});

test('Chromium browses', async () => {
  const browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      `--proxy-server=http://127.0.0.1:${proxy.port}`,
      // Chromium goes directly to loopback unless it is told otherwise.
      '--proxy-bypass-list=<-loopback>',
    ],
    userDataDir: makeFolder('chromium'),
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://localhost:${web.port}/page`);
  expect(await page.$eval('body', (body) => body.textContent)).toBe('GET /page');
  await page.goto('http://nowhere.invalid/');
  expect(await page.$eval('body', (body) => body.textContent)).toContain('tunl: dns error');
});

test('behind a squid that denies CONNECT to port 80, http:// works and a tunnel does not', async () => {
  const rules = [
    'acl CONNECT method CONNECT',
    'acl secure port 443',
    'http_access deny CONNECT !secure',
    'http_access allow all',
  ];
  const squid = await startSquid({ rules: rules.join('\n') });
  const behind = await startTunlServe(['-x', `http://127.0.0.1:${squid.port}`]);
  onTestFinished(async () => {
    await Promise.all([behind.stop(), squid.stop()]);
  });
  const at = ['-q', '-sS', '-x', `http://127.0.0.1:${behind.port}`, `http://localhost:${web.port}/x`];
  expect((await run({ file: 'curl', args: at })).stdout).toBe('GET /x');
  const tunnel = await run({ file: 'curl', args: ['-p', ...at] });
  expect(tunnel.stderr).toMatch(/CONNECT tunnel failed, response 50\d|Received HTTP code 50\d/);
});
