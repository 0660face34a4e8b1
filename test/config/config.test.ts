import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../src/app/commands/config.ts';
import { isOwnGroup } from '../../src/config/group.ts';
import { findConfigPlace } from '../../src/config/place.ts';
import { toTunlError } from '../../src/core/errors.ts';
import { formatHop } from '../../src/core/hop.ts';
import { parseTarget } from '../../src/syntax/target.ts';
import { makeTempFolder, writeTempFile } from '../support/temp.ts';

const none = { source: '-x', tls: {}, headers: [] };

async function load(text: string, env: Readonly<Record<string, string>> = {}): Promise<Config> {
  const path = writeTempFile('config.yaml', text);
  chmodSync(path, 0o600);
  return (await loadConfig({ path, isGiven: true }, env)) ?? expect.fail('no configuration');
}

/** Returns the message, without the folder, and the hints of what reading throws. */
async function refuse(text: string, use: (config: Config) => unknown = () => {}): Promise<string[]> {
  try {
    use(await load(text));
  } catch (error) {
    const { message, facts, code } = toTunlError(error);
    expect(code).toBe('usage');
    return [message, ...(facts.hints ?? [])].map((line) => line.replaceAll(/\/\S*\/(?=config\.yaml)/g, ''));
  }
  return expect.fail('nothing was refused');
}

const show = (way: ReturnType<Config['readText']>) => way.map((place) => place.map(formatHop).join('|'));

describe('proxies', () => {
  const text = `
proxies:
  work: http://me@proxy.corp:8080
  edge:
    url: https://edge.example
    servername: other.example
    insecure: true
    headers: { X-Team: [a, b] }
  both: ['@work', '@edge']
  either: '@work|https://c.example'
  off: direct
`;

  test.each([
    ['@work', ['http://proxy.corp:8080']],
    ['@edge', ['https://edge.example:443']],
    ['@both', ['http://proxy.corp:8080', 'https://edge.example:443']],
    ['@either', ['http://proxy.corp:8080|https://c.example:443']],
    ['http://x|@edge', ['http://x:80|https://edge.example:443']],
    ['@off', []],
  ])('%s is read', async (name, way) => {
    expect(show((await load(text)).readText(name, none))).toEqual(way);
  });

  test('have settings of their own, and else those of the command line', async () => {
    const [[edge] = []] = (await load(text)).readText('@edge', {
      ...none,
      tls: { cacert: '/flag.pem', servername: 'flag.example' },
    });
    expect(edge?.tls).toMatchObject({ servername: 'other.example', insecure: true, cacert: '/flag.pem' });
    expect(edge?.headers).toEqual([
      ['X-Team', 'a'],
      ['X-Team', 'b'],
    ]);
  });

  test('a user without a password is left open, and one proxy on two ways is one', async () => {
    const config = await load(text);
    const [[first] = []] = config.readText('@work', none);
    const [[second] = []] = config.readText('@both', none);
    expect(first?.open).toMatchObject({ user: 'me', label: '@work "http://***@proxy.corp:8080"' });
    expect(second?.open).toBe(first?.open);
  });

  test('a password is from a variable or a file beside the configuration, read when it is used', async () => {
    const config = await load(
      'proxies: { a: { url: http://p:1, user: "CORP\\\\me", password: "${PW}" }, b: { url: http://me@p:1, password: file:pw } }',
      { PW: 'from the environment' },
    );
    writeFileSync(join(config.path, '..', 'pw'), 'from a file\n');
    const login = (name: string) => config.readText(name, none)[0]?.[0]?.credentials;
    expect([login('@a')?.user, login('@a')?.password.reveal()]).toEqual(['CORP\\me', 'from the environment']);
    expect(login('@b')?.password.reveal()).toBe('from a file');
  });

  test('relative files start from the folder of the configuration, those of flags from the current one', async () => {
    const config = await load('proxies: { a: { url: https://p, cacert: ca.pem } }');
    const [[hop] = []] = config.readText('@a', { ...none, tls: { cert: 'me.pem' } });
    expect(hop?.tls).toMatchObject({ cacert: join(config.path, '../ca.pem'), cert: join(process.cwd(), 'me.pem') });
  });
});

describe('what is wrong is told with its position', () => {
  test.each([
    ['proxies: []', 'config.yaml:1:10: proxies must be proxies by name'],
    [
      'proxy: {}',
      'config.yaml:1:1: unknown key "proxy"',
      'proxy belongs to defaults',
      'the keys here are proxies, forwards, match, defaults',
    ],
    [
      'forward: {}',
      'config.yaml:1:1: unknown key "forward"',
      'did you mean forwards?',
      'the keys here are proxies, forwards, match, defaults',
    ],
    [
      'proxies: { "a b": http://p }',
      'config.yaml:1:12: "a b" cannot be the name of a proxy',
      'a name has letters, digits, _, - and single dots',
    ],
    [
      'proxies: { a: { url: http://p, cacrt: x } }',
      'config.yaml:1:32: unknown key "cacrt"',
      'did you mean cacert?',
      expect.stringMatching(/^the keys here are url, user, password, .*, cacert, /),
    ],
    [
      'match:\n  a: @work',
      expect.stringMatching(/^config\.yaml:2:6: this is not YAML: .*reserved character @/),
      "a text that begins with @ needs quotes: '@work'",
    ],
    [
      'match:\n  a.*.b: direct',
      'config.yaml:2:3: rule "a.*.b": a wildcard stands for whole labels at the front: *.example.com',
    ],
  ])('%s', async (text, ...said) => {
    expect(await refuse(text)).toEqual(said);
  });

  test.each([
    ['{ a: htp://p }', '1:15: @a "htp://p" has an unknown scheme: "htp"'],
    ['{ a: { url: http://p, pin: x } }', '1:37: @a "http://p": the setting pin needs TLS, and http:// has none'],
    ['{ a: { url: http://me:pw@p } }', '1:22: @a has a password in plain text'],
    ['{ a: { url: http://me@p, password: pw } }', '1:15: password is in plain text'],
    ['{ a: { url: "http://p", password: "${PW}" } }', '1:15: "http://p" has a password and no user'],
    ['{ a: { url: "http://me@p", user: you } }', '1:22: the proxy has two users'],
    ["{ a: '@b', b: ['@c'], c: '@a' }", '1:35: @a → @b → @c → @a form a loop'],
    ["{ a: '@bee', bees: http://p }", '1:15: there is no proxy "bee"'],
    [
      "{ a: '@b|http://q', b: [http://p, http://r] }",
      '1:15: @b stands for 2 proxies in a row, so it cannot be an alternative beside |',
    ],
  ])('proxies: %s', async (words, said) => {
    const [message] = await refuse(`proxies: ${words}`, (config) => config.readText('@a', none));
    expect(message).toBe(`config.yaml:${said}`);
  });
});

describe('forwards and match', () => {
  test('a forward is a SPEC, a list, or has a way of its own', async () => {
    const config = await load(
      "forwards:\n  db: 1:db:2\n  two: [1:a:2, 3:b:4]\n  own: { spec: 1:c:2, proxy: ['http://p', 'http://q'] }\n",
    );
    const list = (name: string) => config.listSpecs(name).map(({ text, place }) => [text, place.replace(/^.*\//, '')]);
    expect(list('db')).toEqual([['1:db:2', 'config.yaml:2:3']]);
    expect(list('two').map(([text]) => text)).toEqual(['1:a:2', '3:b:4']);
    const [own] = config.listSpecs('own');
    expect(own && show(own.way?.read(none) ?? [])).toEqual(['http://p:80', 'http://q:80']);
    expect(() => config.listSpecs('tow')).toThrow('there is no forward "tow"');
  });

  test('the first pattern in the file that fits counts; ranges match literal addresses', async () => {
    const config = await load(
      "match:\n  'db.corp:22': http://a\n  '*.corp': direct\n  10.0.0.0/8: http://b\n  'fd00::/8': http://c\n  '*:443': http://d\n",
    );
    const find = (target: string) => config.matches.find(({ covers }) => covers(parseTarget(target)))?.name;
    expect(find('db.corp:22')).toBe('match db.corp:22');
    expect(find('db.corp:23')).toBe('match *.corp');
    expect(find('corp:23')).toBeUndefined();
    expect(find('10.1.2.3:80')).toBe('match 10.0.0.0/8');
    expect(find('[fd00::1]:80')).toBe('match fd00::/8');
    expect(find('example.org:443')).toBe('match *:443');
  });
});

describe('the place', () => {
  test.each([
    [
      { TUNL_CONFIG: '/x/y.yaml', HOME: '/home/me' },
      { path: '/x/y.yaml', isGiven: true },
    ],
    [{ TUNL_CONFIG: '', HOME: '/home/me' }, undefined],
    [
      { XDG_CONFIG_HOME: '/x', HOME: '/home/me' },
      { path: '/x/tunl/config.yaml', isGiven: false },
    ],
    [
      { XDG_CONFIG_HOME: 'x', HOME: '/home/me' },
      { path: '/home/me/.config/tunl/config.yaml', isGiven: false },
    ],
    [{}, undefined],
  ])('of %j', (env, place) => {
    expect(findConfigPlace(env)).toEqual(place);
  });

  test('a file that is missing is none, unless it was named', async () => {
    const path = join(makeTempFolder(), 'tunl/config.yaml');
    expect(await loadConfig({ path, isGiven: false }, {})).toBeUndefined();
    await expect(loadConfig({ path, isGiven: true }, {})).rejects.toThrow('no such file');
  });

  test.skipIf(process.platform === 'win32')(
    'a file that others may write is refused, with the command that helps',
    async () => {
      const { path } = await load('');
      chmodSync(path, 0o602);
      await expect(loadConfig({ path, isGiven: true }, {})).rejects.toMatchObject({
        message: `others may write the configuration ${path}`,
        facts: { hints: [`chmod go-w ${path}`] },
      });
    },
  );
});

describe('a group', () => {
  const me = { gid: 7, username: 'me' } as Parameters<typeof isOwnGroup>[2];
  const users = 'root:x:0:0::/root:/bin/sh\nme:x:7:7::/home/me:/bin/sh\n';
  const own = (groups: string, gid = 7, accounts = users) => isOwnGroup(gid, () => ({ groups, users: accounts }), me);

  test('is mine alone if nobody else is in it', () => {
    expect(own('me:x:7:\n')).toBe(true);
    expect(own('me:x:7:me\n')).toBe(true);
  });

  test('is not if it has others, or if nothing is known of it', () => {
    expect(own('me:x:7:you\n')).toBe(false);
    expect(own('staff:x:8:me\n', 8)).toBe(false);
    expect(own('')).toBe(false);
    expect(own('users:x:7:\n', 7, `${users}you:x:9:7::/home/you:/bin/sh\n`)).toBe(false);
  });
});
