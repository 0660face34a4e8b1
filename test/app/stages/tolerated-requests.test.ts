import { expect, test } from 'vitest';
import { startProxyBed } from '../../support/harness/proxy-bed.ts';

/** Sends a request and expects a tunnel; the target must get exactly what follows it. */
async function expectTunnel(request: (authority: string) => string): Promise<void> {
  const bed = await startProxyBed();
  const client = await bed.connect();
  client.send(request(bed.authority));
  expect(await client.readHead()).toBe('HTTP/1.1 200 Connection established\r\nTunl-Half-Close: 1\r\n\r\n');
  client.send('hello');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('hello');
}

test.each<[string, (authority: string) => string]>([
  ['HTTP/1.0 without Host, as corkscrew, connect and ncat send it', (to) => `CONNECT ${to} HTTP/1.0\r\n\r\n`],
  [
    'the name of the proxy as Host, as proxytunnel sends it',
    (to) => `CONNECT ${to} HTTP/1.1\r\nHost: proxy:3128\r\n\r\n`,
  ],
  ['a Host without a port', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
  ['an empty Host', (to) => `CONNECT ${to} HTTP/1.1\r\nHost:\r\n\r\n`],
  ['Host in capitals', (to) => `CONNECT ${to} HTTP/1.1\r\nHOST: ${to}\r\n\r\n`],
  ['one empty line before it', (to) => `\r\nCONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`],
  ['two empty lines before it', (to) => `\r\n\r\nCONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`],
  [
    'an upgrade, which is ignored',
    (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  ],
  ['an expectation, which is ignored', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nExpect: 100-continue\r\n\r\n`],
  [
    'an expectation over HTTP/1.0, which has none',
    (to) => `CONNECT ${to} HTTP/1.0\r\nHost: ${to}\r\nExpect: the-moon\r\n\r\n`,
  ],
  ['an expectation of nothing', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nExpect:\r\n\r\n`],
  ['a length of nothing', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nContent-Length: 0\r\n\r\n`],
  [
    'what browsers add',
    (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nProxy-Connection: keep-alive\r\nUser-Agent: x\r\n\r\n`,
  ],
  [
    'credentials that nobody asked for',
    (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nProxy-Authorization: Basic dTpw\r\n\r\n`,
  ],
  ['fields with bytes above 0x7f', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nX: \u00e4\r\n\r\n`],
  ['a hundred fields', (to) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${'X: y\r\n'.repeat(99)}\r\n`],
  ['a name in capitals with a final dot', (to) => `CONNECT LOCALHOST.:${to.split(':')[1]} HTTP/1.1\r\nHost: x\r\n\r\n`],
])('a request with %s is served', async (_, request) => {
  await expectTunnel(request);
});
