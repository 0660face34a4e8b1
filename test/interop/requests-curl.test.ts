import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startTarget } from '../support/targets/plain.ts';
import { startSquid } from './parts/squid.ts';
import type { Part } from './support/part.ts';
import { launch, run } from './support/process.ts';
import { makeTunlCommand, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** Plays a proxy that refuses everything, and gives the heads of the requests that came to it. */
async function startRecorder() {
  const heads: string[] = [];
  const { port } = await startTarget((socket) => {
    let head = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      head += chunk;
      if (!head.includes('\r\n\r\n')) return;
      heads.push(head);
      socket.end('HTTP/1.1 403 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  });
  return { port, heads };
}

/** The heads with which curl and tunl ask a proxy for the same: its URL without the port, and the target's host. */
async function ask(
  proxy: string,
  host: string,
  options: readonly string[] = [],
): Promise<[curl: string, tunl: string]> {
  const { port, heads } = await startRecorder();
  const url = `${proxy}:${port}`;
  const limit = ['-q', '-s', '-g', '-m', '10'];
  await run({ file: 'curl', args: [...limit, ...options, '-x', url, `https://${host}/`] });
  await tunl(['connect', '-q', ...options, '-x', url, '--', `${host}:443`], { input: '' });
  const [curl = 'curl asked nothing', ours = 'tunl asked nothing', ...more] = heads;
  expect(more).toEqual([]);
  return [curl, ours];
}

const credentialsOf = (head: string) => /^Proxy-Authorization: Basic (\S+)\r$/im.exec(head)?.[1];

test.each([
  'http://KEY:@127.0.0.1',
  'http://me:%F6@127.0.0.1',
  'http://j%F6rg:%C3%B6%F6@127.0.0.1',
  'http://jörg:grüß@127.0.0.1',
  'http://me:a%2Fb%3Fc%23d%40e%25@127.0.0.1',
  'http://me:a:b@127.0.0.1',
])('curl and tunl send the same bytes as credentials of %s', async (proxy) => {
  const [curl, ours] = (await ask(proxy, 'target.example')).map(credentialsOf);
  expect(curl).toBeDefined();
  expect(ours).toBe(curl);
});

test('curl and tunl send the same headers of a file', async () => {
  const path = join(makeFolder('headers'), 'headers');
  writeFileSync(path, 'Proxy-Authorization: Bearer s3cret\r\n\nX-Team: db\n');
  const heads = await ask('http://127.0.0.1', 'target.example', ['--proxy-header', `@${path}`]);
  const own = heads.map((head) => head.split('\r\n').filter((line) => /^(?:Proxy-Authorization|X-Team): /.test(line)));
  expect(own[0]).toEqual(['Proxy-Authorization: Bearer s3cret', 'X-Team: db']);
  expect(own[1]).toEqual(own[0]);
});

test.each([
  'bücher.example',
  'BÜCHER.example',
  'faß.de',
  '-a.example',
  'a-.example',
  'under_score.example',
  'db~prod',
  'web.1',
  'a..b',
  `${'x'.repeat(80)}.example`,
])('curl and tunl ask for the same name: %s', async (host) => {
  const asked = (await ask('http://127.0.0.1', host)).map((head) => head.split('\r\n').slice(0, 2));
  expect(asked[0]?.[0]).toMatch(/^CONNECT [\x21-\x7e]+:443 HTTP\/1\.1$/);
  expect(asked[1]).toEqual(asked[0]);
});

describe('squid is asked for a name that it knows', () => {
  let squid: Part;

  beforeAll(async () => {
    const hosts = join(makeFolder('squid-hosts'), 'hosts');
    writeFileSync(hosts, '127.0.0.1 -a-.example under_score.example xn--bcher-kva.example\n');
    squid = await startSquid({ rules: `hosts_file ${hosts}\nhttp_access allow all` });
    return squid.stop;
  });

  /** Goes on once the target has spoken, with stdin open: squid takes its end for the end of everything. */
  async function expectAnswer(proxy: string, host: string): Promise<void> {
    const { port } = await startTarget((socket) => socket.end('an answer'));
    const client = launch(makeTunlCommand(['connect', '-x', proxy, '--', `${host}:${port}`]));
    const hear = () => (client.stdout().toString() === 'an answer' ? true : undefined);
    try {
      await client.waitFor('the answer', hear);
    } finally {
      await client.stop();
    }
  }

  test.each(['-a-.example', 'under_score.example', 'bücher.example'])('%s', async (host) => {
    await expectAnswer(`http://127.0.0.1:${squid.port}`, host);
  });

  test('behind a Unix socket', async () => {
    const path = join(makeFolder('squid-socket'), 'proxy.sock');
    const door = launch({ file: 'socat', args: [`UNIX-LISTEN:${path},fork`, `TCP4:127.0.0.1:${squid.port}`] });
    await eventually(() => existsSync(path), true);
    await expectAnswer(`unix:${path}`, '-a-.example');
    await expectAnswer(`http://unix:${encodeURIComponent(path)}`, '-a-.example');
    await door.stop();
  });
});
