import { expect, onTestFinished, test } from 'vitest';
import { readFixture } from '../../support/graphs/envoy-file.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { openThen } from '../../support/peers/scripted-proxy.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { writeTempFile } from '../../support/temp.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';

/** Puts words in front of others that the text must have. */
function addBefore(text: string, words: string, more: string): string {
  if (!text.includes(words)) throw new Error(`there is no ${words}`);
  return text.replaceAll(words, `${more}${words}`);
}

/** Runs one of the files with a free port, no admin address, and another port to go to, and gives its port. */
async function startFile(text: string, [listen, to]: readonly [string, string], port: number): Promise<number> {
  const placed = text
    .replace(/^admin:[^]*?\n(?=\w)/m, '')
    .replaceAll(`port_value: ${listen}`, 'port_value: 0')
    .replaceAll(to, `address: 127.0.0.1, port_value: ${port}`);
  const path = writeTempFile('envoy.yaml', placed);
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const [, own] = await waitFor(/(?:serving|forwarding) 127\.0\.0\.1:(\d+)/);
  return Number(own);
}

const proxyAddress = 'address: 127.0.0.1, port_value: 10001';
const serverAddress = 'address: www.example.com, port_value: 443';

/** Fields of a filter, each on a line of its own, before one that is there. */
const addFields = (name: string, field: string, more: readonly string[]) =>
  addBefore(readFixture(name), field, more.map((words) => `${words}\n${' '.repeat(16)}`).join(''));

/** A proxy that takes every tunnel and says its name there. */
const greetAs = (name: string) => openThen(name, (socket) => void socket.end());

/** A TcpProxy with a few more words, whose tunnels go to a proxy that the test plays. */
function startTcp(more: readonly string[], proxyPort: number): Promise<number> {
  const text = addFields('tcp-to-http1-connect-old', 'tunneling_config:', more);
  return startFile(text, ['10000', proxyAddress], proxyPort);
}

test.each([[['idle_timeout: 0.2s']], [['idle_timeout: 0s', 'max_downstream_connection_duration: 0.2s']]])(
  'a TcpProxy with %j ends a tunnel that would go on',
  async (more) => {
    const proxy = await startTarget();
    const client = await connectPeer(await startTcp(more, proxy.port));
    client.send('early');
    const served = await proxy.accept();
    expect(await served.readHead()).toMatch(/^CONNECT host\.com:443 /);
    expect(served.inbox.size).toBe(0);
    served.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n');
    expect(await served.readUntil('early')).toBe('early');
    expect(await client.waitForEnd()).toBe('reset');
    expect(await served.waitForEnd()).toBe('reset');
  },
);

test('a TcpProxy asks again as often as it says, also where the proxy refuses', async () => {
  const proxy = await startTarget();
  const client = await connectPeer(await startTcp(['max_connect_attempts: 3'], proxy.port));
  for (const status of ['503 Away', '403 Forbidden', '200 OK']) {
    const served = await proxy.accept();
    await served.readHead();
    served.send(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    if (status === '200 OK') served.send('at last');
    served.fin();
  }
  expect(await client.readUntil('at last')).toBe('at last');
});

test('the endpoints of a cluster take turns, and one that is away is passed over', async () => {
  const [one, other, away] = [await startTarget(greetAs('one')), await startTarget(greetAs('other')), 1];
  const file = readFixture('tcp-to-http1-connect-old');
  const endpoints = [one.port, away, other.port].map(
    (port) => `- endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }\n`,
  );
  const text = file.replace(/- endpoint:\n[^]*$/, endpoints.join(' '.repeat(14)));
  const port = await startFile(text, ['10000', proxyAddress], 0);
  const heard: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const client = await connectPeer(port);
    heard.push((await client.readToEnd()).toString());
    client.fin();
  }
  expect(heard).toEqual(['one', 'other', 'other', 'one']);
});

const connectText = (fields = '') => `CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n${fields}\r\nhello`;

test.each([
  [['stream_idle_timeout: 0.2s']],
  [['stream_idle_timeout: 0s', 'common_http_protocol_options: { max_stream_duration: 0.2s }']],
])('an HttpConnectionManager with %j ends a tunnel that would go on', async (more) => {
  const target = await startTarget(echo);
  const text = addFields('end-http1-connect', 'route_config:', more);
  const client = await connectPeer(await startFile(text, ['10001', serverAddress], target.port));
  client.send(connectText());
  expect(await client.readUntil('\r\n\r\nhello')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await client.waitForEnd()).toBe('reset');
});

test('a route without an idle limit keeps its tunnels while those of another one end', async () => {
  const target = await startTarget(echo);
  const file = addFields('end-http1-connect', 'route_config:', ['stream_idle_timeout: 0.2s']);
  const text = addBefore(file, 'cluster: server\n', `idle_timeout: 0s\n${' '.repeat(28)}`);
  const port = await startFile(text, ['10001', serverAddress], target.port);
  const kept = await connectPeer(port);
  kept.send(connectText());
  await kept.readUntil('\r\n\r\nhello');
  const other = await connectPeer(port);
  other.send(connectText('foo: bar\r\n').replaceAll('a.test:1', `127.0.0.1:${target.port}`));
  expect(await other.waitForEnd()).toBe('reset');
  kept.send(' again');
  expect(await kept.readUntil(' again')).toBe(' again');
});
