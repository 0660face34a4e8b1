import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TcpAddress } from '../../../src/core/address.ts';
import { type ExceptionRules, parseExceptions } from '../../../src/pac/system/exceptions.ts';
import { parseGnome } from '../../../src/pac/system/gnome.ts';
import { parseKde } from '../../../src/pac/system/kde.ts';
import { parseMacos } from '../../../src/pac/system/macos.ts';
import { readSystem } from '../../../src/pac/system/read.ts';
import type { SettingsEnv, SystemSettings } from '../../../src/pac/system/settings.ts';
import { parseWindows } from '../../../src/pac/system/windows.ts';
import { formatWay } from '../../../src/pac/ways/result.ts';

const read = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');

const to = (host: string, port = 443): TcpAddress => ({ kind: 'tcp', host, port });

/** The ways of manual settings, and the hosts among these that are exceptions. */
function describe(settings: SystemSettings, hosts: readonly string[] = []): unknown {
  if (settings.kind !== 'manual') return settings;
  const { ways, exceptions } = settings;
  return [ways.map(formatWay), hosts.filter((host) => exceptions.find(to(host)) !== undefined)];
}

const proxy = ['http://proxy.corp.example:8443'];
const pacFile = { kind: 'pac', url: 'http://wpad.corp.example/proxy.pac' };

test.each([
  [
    'GNOME',
    () => parseGnome(read('gnome-manual')),
    ['localhost', '127.1.2.3', '::1', 'db.corp.example', '10.1.2.3', 'corp.example'],
  ],
  ['KDE', () => parseKde(read('kioslaverc-manual'), {}), ['corp.example', 'db.corp.example', '10.0.0.1']],
  ['macOS', () => parseMacos(read('scutil-manual')), ['a.local', '169.254.1.1', 'db.corp.example', 'printer']],
  ['Windows', () => parseWindows(read('reg-manual')), ['db.corp.example', '10.1.2.3', 'printer']],
])('reads the proxy and the exceptions of %s', (_system, parse, hosts) => {
  expect(describe(parse(), [...hosts, 'example.org', '11.1.1.1', 'notcorp.example'])).toEqual([proxy, hosts]);
});

test.each([
  ['GNOME', () => parseGnome(read('gnome-auto'))],
  ['KDE', () => parseKde(read('kioslaverc-manual').replace('ProxyType=1', 'ProxyType=2'), {})],
  ['macOS', () => parseMacos(read('scutil-auto'))],
  ['Windows', () => parseWindows(read('reg-auto'))],
])('reads the PAC file of %s', (_system, parse) => {
  expect(parse()).toEqual(pacFile);
});

test.each([
  ['GNOME', () => parseGnome(read('gnome-manual').replace("'manual'", "'none'"))],
  ['GNOME without a host', () => parseGnome("org.gnome.system.proxy mode 'manual'")],
  ['KDE', () => parseKde(read('kioslaverc-manual').replace('ProxyType=1', 'ProxyType=0'), {})],
  ['KDE without its group', () => parseKde('', {})],
  ['macOS', () => parseMacos(read('scutil-manual').replaceAll('Enable : 1', 'Enable : 0'))],
  ['Windows', () => parseWindows(read('reg-manual').replace('0x1\r\n    ProxyServer', '0x0\r\n    ProxyServer'))],
])('%s may have no proxy', (_system, parse) => {
  expect(parse()).toEqual({ kind: 'none' });
});

test.each([
  ['GNOME', () => parseGnome("org.gnome.system.proxy mode 'auto'\norg.gnome.system.proxy autoconfig-url ''")],
  ['KDE', () => parseKde(read('kioslaverc-manual').replace('ProxyType=1', 'ProxyType=3'), {})],
  ['macOS', () => parseMacos('<dictionary> {\n  ProxyAutoDiscoveryEnable : 1\n}')],
])('%s may leave it to the network, which is not asked', (_system, parse) => {
  expect(parse).toThrow(/leaves it to the network to name a PAC file \(WPAD\)/);
});

test('KDE may take its proxy from variables', () => {
  const file = '[Proxy Settings]\nProxyType=4\nhttpsProxy=HTTPS_PROXY\nNoProxyFor=NO_PROXY\n';
  const env = { HTTPS_PROXY: 'http://proxy.corp.example:8443/', NO_PROXY: 'a.example' };
  expect(describe(parseKde(file, env), ['a.example', 'b.example'])).toEqual([proxy, ['a.example']]);
});

test('a list of exceptions of KDE may be the list of all others', () => {
  const file = read('kioslaverc-manual').replace('ReversedException=false', 'ReversedException=true');
  expect(describe(parseKde(file, {}), ['db.corp.example', 'b.example'])).toEqual([proxy, ['b.example']]);
});

test.each([
  ['proxy.corp.example:8443', proxy],
  ['http://proxy.corp.example:8443', proxy],
  ['http=proxy.corp.example:8443', proxy],
  ['socks=a:1', ['socks4://a:1']],
])('Windows writes its server as %s', (server, ways) => {
  const output = `    ProxyEnable    REG_DWORD    0x1\r\n    ProxyServer    REG_SZ    ${server}\r\n`;
  expect(describe(parseWindows(output))).toEqual([ways, []]);
});

test.each<[string, string, ExceptionRules, boolean]>([
  ['*.corp', 'a.corp', {}, true],
  ['*.corp', 'corp', {}, true],
  ['.corp', 'a.corp', {}, true],
  ['.corp', 'corp', {}, false],
  ['corp', 'a.corp', {}, false],
  ['corp', 'a.corp', { areSuffixes: true }, true],
  ['CORP', 'corp', {}, true],
  ['a*z.corp', 'a-to-z.corp', {}, true],
  ['192.168.*', '192.168.1.1', {}, true],
  ['10.0.0.0/8', '10.1.1.1', {}, true],
  ['10.0.0.0/8', 'ten.corp', {}, false],
  ['fd00::/8', 'fd00::1', {}, true],
  ['[::1]:443', '::1', {}, true],
  ['a.corp:443', 'a.corp', {}, true],
  ['a.corp:80', 'a.corp', {}, false],
  ['https://a.corp', 'a.corp', {}, true],
  ['http://a.corp', 'a.corp', {}, false],
  ['<local>', 'printer', {}, true],
  ['<local>', 'a.corp', {}, false],
  ['<local>', '::1', {}, false],
  ['', 'a.corp', {}, false],
])('the entry %j and %s', (entry, host, rules, isException) => {
  expect(parseExceptions([entry], rules).find(to(host)) !== undefined).toBe(isException);
});

/** Makes an environment in which these programs answer. */
function makeEnv(more: Partial<SettingsEnv>, answers: Readonly<Record<string, string>>): SettingsEnv {
  const missing = (path: string) => Object.assign(new Error(`spawn ${path} ENOENT`), { code: 'ENOENT', path });
  return {
    platform: 'linux',
    env: {},
    run: async (program, args) => answers[[program, ...args].join(' ')] ?? Promise.reject(missing(program)),
    readFile: async (path) => answers[path] ?? Promise.reject(missing(path)),
    ...more,
  };
}

const gsettings = 'gsettings list-recursively org.gnome.system.proxy';
const key = String.raw`Software\Microsoft\Windows\CurrentVersion\Internet Settings`;

test.each([
  ['darwin', {}, { 'scutil --proxy': read('scutil-auto') }],
  ['win32', {}, { [`reg query HKCU\\${key}`]: read('reg-auto') }],
  [
    'win32',
    {},
    {
      [`reg query HKLM\\Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings`]: read('reg-policy'),
      [`reg query HKLM\\${key}`]: read('reg-auto'),
      [`reg query HKCU\\${key}`]: read('reg-manual'),
    },
  ],
  ['linux', {}, { [gsettings]: read('gnome-auto') }],
  [
    'linux',
    { XDG_CURRENT_DESKTOP: 'KDE', XDG_CONFIG_HOME: '/c' },
    {
      '/c/kioslaverc': read('kioslaverc-manual').replace('ProxyType=1', 'ProxyType=2'),
      [gsettings]: read('gnome-manual'),
    },
  ],
  ['linux', { XDG_CURRENT_DESKTOP: 'KDE', HOME: '/h' }, { [gsettings]: read('gnome-auto') }],
] as const)('on %s the settings are read from their place: %j', async (platform, env, answers) => {
  expect((await readSystem(makeEnv({ platform, env }, answers))).settings).toEqual(pacFile);
});

test('a system without settings is told so, with what was looked for', async () => {
  await expect(readSystem(makeEnv({ env: { HOME: '/h' } }, {}))).rejects.toMatchObject({
    message:
      'the system has no settings for proxies that can be read: there is no gsettings; there is no /h/.config/kioslaverc',
    facts: { exit: 2 },
  });
});
