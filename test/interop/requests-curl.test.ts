import { expect, test } from 'vitest';
import { startTarget } from '../support/targets.ts';
import { run } from './support/process.ts';
import { tunl } from './support/tunl.ts';

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
  await tunl(['connect', '-q', ...options, '-x', url, `${host}:443`], { input: '' });
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
