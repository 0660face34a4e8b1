import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Origin, startWebOrigin } from './support/origin.ts';
import { run } from './support/process.ts';
import { startTunlServe, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const login = { user: 'alice', password: 'wonder "4711" \\ wörd' } as const;

let web: Origin;
beforeAll(async () => void (web = await startWebOrigin()));
afterAll(() => web.stop());

describe.each([
  ['MD5', ['md5']],
  ['SHA-256', ['sha256']],
  ['SHA-256 and MD5', ['md5', 'sha256']],
])('curl with tunl serve and %s', (_, hashes) => {
  let proxy: TunlPart;

  beforeAll(async () => {
    const users = join(makeFolder('htdigest'), 'users');
    const hash = (name: string) => createHash(name).update(`${login.user}:corp:${login.password}`).digest('hex');
    writeFileSync(users, hashes.map((name) => `${login.user}:corp:${hash(name)}\n`).join(''));
    proxy = await startTunlServe(['-v', '--auth-file', users]);
    return proxy.stop;
  });

  const curl = (password: string, ...options: string[]) => {
    const user = ['-U', `${login.user}:${password}`];
    const through = ['-x', `http://localhost:${proxy.port}`, '-p', ...user, ...options];
    return run({ file: 'curl', args: ['-q', '-sS', ...through, `http://localhost:${web.port}/a`] });
  };

  test.each(['--proxy-digest', '--proxy-anyauth', '--proxy-basic'])('gets a page with %s', async (option) => {
    expect(await curl(login.password, option), proxy.log()).toMatchObject({ code: 0, stdout: 'GET /a', stderr: '' });
  });

  test('does not get in with a wrong password', async () => {
    const { code, stdout } = await curl('hunter2-0815', '--proxy-digest');
    expect([code, stdout]).toEqual([56, '']);
    expect(proxy.log()).not.toContain('hunter2');
  });

  test('gets 20 pages at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => curl(login.password, '--proxy-digest')));
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map(() => 'GET /a'));
  });
});
