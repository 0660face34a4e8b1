import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { startDigestSquid } from './parts/squid.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import { run } from './support/process.ts';
import { startTunl, startTunlServe, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const login = { user: 'alice', password: 'wonder "4711" \\ wörd' } as const;
const squidLogin = { user: 'alice', password: 'wonder-4711' } as const;

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

describe('tunl through squid with Digest', () => {
  /** Starts squid behind a proxy of bytes that counts its 407s, and a forward through both to a target that echoes. */
  async function start() {
    const [squid, target] = await Promise.all([startDigestSquid(squidLogin), startTarget(echo)]);
    let asked = 0;
    const counter = await startTarget((socket) => {
      const upstream = connect({ host: '127.0.0.1', port: squid.port });
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('data', (chunk) => void (chunk.toString('latin1').startsWith('HTTP/1.1 407 ') && asked++));
      socket.pipe(upstream).pipe(socket);
    });
    const hop = `http://${squidLogin.user}:${squidLogin.password}@127.0.0.1:${counter.port}?auth=digest`;
    const forward = await startTunl(['forward', '--grace', '0s', '-x', hop, `:127.0.0.1:${target.port}`]);
    const visit = async (word: string) => {
      const client = await connectPeer(forward.port);
      client.send(`${word};`);
      const answer = await client.readUntil(';');
      client.reset();
      return answer === `${word};`;
    };
    const stop = async () => void (await Promise.all([forward.stop(), squid.stop()]));
    return { visit, stop, log: forward.log, asked: () => asked };
  }

  test('200 tunnels in a row cost one 407', async () => {
    const { visit, stop, log, asked } = await start();
    for (let round = 0; round < 200; round++) expect(await visit(`round ${round}`), log()).toBe(true);
    await stop();
    expect(asked()).toBe(1);
  });

  test('200 tunnels at once get through', async () => {
    const { visit, stop, log } = await start();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => visit(`client ${index}`)));
    await stop();
    expect(answers, log()).toEqual(answers.map(() => true));
  });
});
