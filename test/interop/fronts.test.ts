import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { type Result, run } from './support/process.ts';
import { startRegistry, wheelName } from './support/registry.ts';
import type { Part } from './support/part.ts';
import { ssh } from './support/ssh.ts';
import { startTunl, startTunlServe, tunl, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** What is carried there and back in one piece. */
const megabytes = amount(20, 200);
const limitMs = amount(60_000, 300_000);

let certs: Certs;
let web: Origin;
let secureWeb: Origin;
let registry: Part;
let plainRegistry: Part;
let sshd: Sshd;
let payload: Payload;
let far: TunlPart;
let front: TunlPart;

beforeAll(async () => {
  certs = await makeCerts();
  [web, secureWeb] = [await startWebOrigin(), await startWebOrigin(certs.server)];
  registry = await startRegistry(certs.server);
  plainRegistry = await startRegistry();
  sshd = await startSshd();
  payload = makePayload(megabytes * 1_000_000);
  // A browser asks for more than its page, and names of the outer world are not even to be resolved.
  const rules = ['localhost', '127.0.0.1', '*.invalid'].flatMap((rule) => ['--allow', rule]);
  far = await startTunlServe(rules);
  front = await startTunl(['forward', 'any:', '-x', `http://127.0.0.1:${far.port}`]);
  return async () => {
    await Promise.all([
      front.stop(),
      far.stop(),
      web.stop(),
      secureWeb.stop(),
      registry.stop(),
      plainRegistry.stop(),
      sshd.stop(),
    ]);
  };
});

/** The ways in which curl goes through the front. */
const ways = [
  { name: 'SOCKS 4', flags: (place: string) => ['--socks4', place] },
  { name: 'SOCKS 4a', flags: (place: string) => ['--socks4a', place] },
  { name: 'SOCKS 5', flags: (place: string) => ['--socks5', place] },
  { name: 'SOCKS 5 with names', flags: (place: string) => ['--socks5-hostname', place] },
  { name: 'CONNECT', flags: (place: string) => ['-p', '-x', `http://${place}`] },
  { name: 'plain requests', flags: (place: string) => ['-x', `http://${place}`] },
];

describe.each(ways)('curl by $name', ({ name, flags }) => {
  const curl = (...args: string[]): Promise<Result> =>
    run(
      {
        file: 'curl',
        args: ['-q', '-sS', '--cacert', certs.ca.cert, ...flags(`127.0.0.1:${front.port}`), ...args],
      },
      { limitMs },
    );

  test('gets pages over http and https, by name', async () => {
    expect(await curl(`http://localhost:${web.port}/page`), front.log()).toMatchObject({ stdout: 'GET /page' });
    expect(await curl(`https://localhost:${secureWeb.port}/page`), front.log()).toMatchObject({ stdout: 'GET /page' });
  });

  test(`carries ${megabytes} MB there and back`, { timeout: 2 * limitMs }, async () => {
    const output = join(makeFolder('curl'), 'back');
    // curl asks for https through a tunnel.
    const isPlain = name === 'plain requests';
    const url = isPlain ? `http://localhost:${web.port}/` : `https://localhost:${secureWeb.port}/`;
    expect(await curl('--data-binary', `@${payload.file}`, '-o', output, url), front.log()).toMatchObject({ code: 0 });
    expect(makeDigester().update(readFileSync(output)).digest('hex')).toBe(payload.sha256);
  });

  test('is told why a target is not reached', async () => {
    const { code } = await curl('https://127.0.0.1:1/');
    expect([5, 7, 56, 97]).toContain(code);
    expect(front.log()).toContain('127.0.0.1:1');
  });
});

test('names go to the far end as they are', async () => {
  for (const flag of ['--socks5-hostname', '--socks4a']) {
    await run({ file: 'curl', args: ['-q', '-sS', flag, `127.0.0.1:${front.port}`, 'http://nowhere.invalid/'] });
  }
  await far.waitForLine(/ nowhere\.invalid:80 502 [^]* nowhere\.invalid:80 502 /);
});

test('ssh goes through nc and a front', async () => {
  const proxyCommand = `nc -X 5 -x 127.0.0.1:${front.port} %h %p`;
  const output = makeDigester();
  const result = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output });
  expect(result, front.log()).toMatchObject({ code: 0 });
  expect(output.read().toString('hex')).toBe(payload.sha256);
});

describe.each([
  ['http:', 'https'],
  ['http:', 'http'],
  ['any:', 'https'],
  ['socks:', 'https'],
  ['socks:', 'http'],
])('a command in the environment of %s that asks for %s', (spec, scheme) => {
  const place = () => `${scheme}://localhost:${(scheme === 'https' ? registry : plainRegistry).port}`;
  const command = (env: Readonly<Record<string, string>>, ...words: string[]) =>
    tunl(['forward', spec, '-x', `http://127.0.0.1:${far.port}`, '--', ...words], { env });

  test('curl uses it', async () => {
    const result = await command({}, 'curl', '-q', '-sS', '--cacert', certs.ca.cert, `${place()}/`);
    expect(result).toMatchObject({ code: 0, stdout: 'a page\n' });
  });

  test('git clones', async () => {
    const folder = join(makeFolder('git'), 'parcel');
    const env = { GIT_SSL_CAINFO: certs.ca.cert };
    const result = await command(env, 'git', 'clone', '-q', `${place()}/parcel.git`, folder);
    expect(result).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'parcel'), 'utf8')).toBe('delivered\n');
  });

  // npm and pip speak SOCKS only with further packages.
  test.skipIf(spec === 'socks:')('npm installs', async () => {
    const folder = makeFolder('npm');
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const env = { npm_config_cafile: certs.ca.cert, npm_config_cache: makeFolder('npm-cache') };
    const words = ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--no-update-notifier'];
    const result = await command(env, ...words, '--registry', `${place()}/npm/`, 'parcel');
    expect(result).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'node_modules/parcel/index.js'), 'utf8')).toContain('delivered');
  });

  test.skipIf(spec === 'socks:')('pip downloads', async () => {
    const folder = makeFolder('pip');
    const words = ['python3', '-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-cache-dir'];
    const result = await command(
      {},
      ...words,
      '--cert',
      certs.ca.cert,
      '--index-url',
      `${place()}/pip/`,
      '-d',
      folder,
      'parcel',
    );
    expect(result).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, wheelName))).toBe(true);
  });
});

test.each(['http', 'socks5', 'socks4'])('Chromium browses through %s', async (scheme) => {
  const browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    acceptInsecureCerts: true,
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      `--proxy-server=${scheme}://127.0.0.1:${front.port}`,
      // Chromium goes directly to loopback unless it is told otherwise.
      '--proxy-bypass-list=<-loopback>',
    ],
    userDataDir: makeFolder('chromium'),
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`https://localhost:${secureWeb.port}/${scheme}`);
  expect(await page.$eval('body', (body) => body.textContent)).toBe(`GET /${scheme}`);
});
