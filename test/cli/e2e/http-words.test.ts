import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { writeTempFile } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const example = new URL('../../../docs/http-stage.yaml', import.meta.url);

const writeChain = (lines: string) => writeTempFile('chain.yaml', lines);

async function get(port: string | undefined, path: string, host: string): Promise<string> {
  const sent = request({ host: '127.0.0.1', port, path, headers: { host }, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return `${answer.statusCode} ${await text(answer)}`;
}

test('the example of an HTTP stage runs: requests in a tunnel of HTTP/2, which is ended and looked into', async () => {
  const [near = '', far = ''] = readFileSync(example, 'utf8').split(/^(?= {2}edge:)/m);
  const edge = startTunl(['chain', '-c', writeChain(`stages:\n${far.replace('listen: 10001', 'listen: 0')}`)]);
  const [, hop] = await edge.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const web = startTunl([
    'chain',
    '-c',
    writeChain(near.replace('listen: 10000', 'listen: 0').replace(':10001', `:${hop}`)),
  ]);
  const [, port] = await web.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  expect(await get(port, '/health', 'a')).toBe('200 ok');
  expect(await get(port, '/', 'a')).toBe('200 Hello, world!\n');
  expect(await get(port, '/old/x', 'b.example.com')).toBe('410 ');
  for (const { child } of [web, edge]) child.kill('SIGTERM');
  expect((await web.ended).code).toBe(0);
  expect((await edge.ended).code).toBe(0);
});

test('its routes are listed, and what is printed of it is read as the same', async () => {
  const checked = await runTunl(['chain', '-c', example.pathname, '--check']);
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(checked.stdout).toContain('    /health -> 200\n    /… -> internal://encap\n');
  const printed = await runTunl(['chain', '-c', example.pathname, '--print']);
  const again = await runTunl(['chain', '-c', writeChain(printed.stdout), '--print']);
  expect(again.stdout).toBe(printed.stdout);
});

test('a route that is never reached is told, and the rest runs', async () => {
  const path = writeChain(
    'stages:\n  web: { listen: 0, http: { routes: [{ answer: 200 }, { path: /a, answer: 404 }] } }\n',
  );
  const { code, stderr } = await runTunl(['chain', '-c', path, '--check']);
  expect(code).toBe(0);
  expect(stderr).toContain(`${path}:2:55: this route is never reached: an earlier one fits all that fits it`);
});
