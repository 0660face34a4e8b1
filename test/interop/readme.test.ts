import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { findBlock } from '../support/readme.ts';
import { startAnswer, startEcho, startGreeting } from './parts/socat.ts';
import type { Part } from './support/part.ts';
import { run, type Running } from './support/process.ts';
import { hasWorld, openWorld, type World } from './support/world.ts';
import { makeFolder } from './support/workspace.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the demo of the README runs in a clean copy, from the first command on', async () => {
  const copy = makeFolder('copy');
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const file of files) cpSync(join(root, file), join(copy, file));
  // The cache of npm saves most downloads.
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
  const env = { npm_config_cache: cache, npm_config_prefer_offline: 'true', npm_config_audit: 'false' };
  const command = { file: 'bash', args: ['-ec', findBlock('demo')], env, cwd: copy };
  const { code, stdout, stderr } = await run(command, { limitMs: 110_000 });
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/deprecated|WARN/)]);
  expect(stdout).toContain('Every byte arrived and came back');
});

describe.skipIf(!hasWorld)('where the names of the README are known', () => {
  let world: World;

  beforeAll(async () => {
    const names = ['proxy.corp', 'db', 'web', 'a.example.com', 'secret.example.com', '10.1.2.3'];
    world = await openWorld(names);
    return world.stop;
  });

  /** Lets a name lead to a part for the time of the test. */
  async function host(place: string, startPart: () => Promise<Part>): Promise<void> {
    const part = await world.host(place, startPart);
    onTestFinished(part.stop);
  }

  async function start(script: string, ready: RegExp): Promise<{ running: Running; match: RegExpExecArray }> {
    const running = world.launch(`exec ${script}`);
    onTestFinished(async () => void (await running.stop()));
    const match = await running.waitFor(String(ready), () => ready.exec(running.stderr()) ?? undefined);
    return { running, match };
  }

  test('a failure looks as it says', async () => {
    const body = 'CONNECT is allowed to port 443 only';
    const answer = `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await host('proxy.corp:8080', () => startAnswer(answer));
    const lines = findBlock('failure').split('\n');
    const commands = lines.flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
    const { stdout } = await world.run(`exec 2>&1\n${commands.join('\n')}`);
    expect(stdout).toBe(lines.filter((line) => !line.startsWith('$ ')).join('\n'));
  });

  test('a proxy obeys the rules that it shows', async () => {
    await host('db:5432', () => startGreeting('database'));
    await host('web:80', () => startGreeting('web'));
    await host('a.example.com:22', () => startGreeting('ssh'));
    await host('secret.example.com:22', () => startGreeting('secret'));
    const { match } = await start(findBlock('serve'), /^tunl: serving (127\.0\.0\.1:\d+)$/m);
    const visit = (place: string) => world.run(`tunl connect -x http://${match[1]} ${place}`);
    const visits = ['db:5432', 'a.example.com:22', 'web:80', 'secret.example.com:22'].map(visit);
    expect(await Promise.all(visits)).toMatchObject([
      { code: 0, stdout: 'database\n' },
      { code: 0, stdout: 'ssh\n' },
      { code: 97, stdout: '' },
      { code: 97, stdout: '' },
    ]);
  });

  test('a mesh has both ends as shown', async () => {
    const certs = await makeCerts();
    const issue = (account: string) => certs.issue({ uris: [`spiffe://cluster.local/ns/shop/sa/${account}`] });
    const [cart, db] = [await issue('cart'), await issue('db')];
    copyFileSync(certs.ca.cert, join(world.home, 'root.pem'));
    copyFileSync(cart.cert, join(world.home, 'cart.pem'));
    copyFileSync(cart.key, join(world.home, 'cart.key'));
    copyFileSync(db.cert, join(world.home, 'db.pem'));
    copyFileSync(db.key, join(world.home, 'db.key'));
    await host('10.1.2.3:5432', () => startEcho());
    const [forward = '', serve = ''] = findBlock('mesh').trim().split('\n');
    await start(serve, /^tunl: serving 0\.0\.0\.0:15008/m);
    const { running } = await start(forward, /^tunl: forwarding 127\.0\.0\.1:5432/m);
    // The header of the PROXY protocol, version 2, tells whose connection it is, in its TLVs too. Then comes what was sent.
    const asked = await world.run(
      `exec 3<>/dev/tcp/127.0.0.1/5432; echo hello >&3; head -c 12 <&3 | od -An -tx1; grep -aom1 'sa/cart' <&3`,
    );
    expect(asked.stdout, running.stderr()).toBe(' 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a\nsa/cart\n');
  });

  test('completions are written where it says', async () => {
    expect(await world.run(findBlock('completion'))).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(world.home, 'tunl.bash'), 'utf8')).toBe(
      readFileSync(`${root}completions/tunl.bash`, 'utf8'),
    );
  });
});
