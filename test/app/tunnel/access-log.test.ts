import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { answer, httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerWith } from '../../support/peers/scripted-proxy.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

const format =
  '%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(X-Kind)% %REQ(Proxy-Authorization)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_TRANSPORT_FAILURE_REASON% %ACCESS_LOG_TYPE%';

function makeLog() {
  const path = join(makeTempFolder(), 'access.log');
  const read = () => readFileSync(path, { encoding: 'utf8', flag: 'a+' });
  return { path, read, accessLogs: [{ path, format }] };
}

/** Sends bytes and ends; gives what came back. */
async function exchange(port: number, bytes: string): Promise<string> {
  const peer = await connectPeer(port);
  peer.send(bytes);
  peer.fin();
  return (await peer.readToEnd()).toString();
}

test('a stage that forwards writes a line at the end of each tunnel', async () => {
  const target = await startTarget(echo);
  const { accessLogs, read } = makeLog();
  const chain = await startChain([forwardStage('a', target.address, { accessLogs })]);
  expect(await exchange(chain.port, 'hello')).toBe('hello');
  await eventually(read, `- - - - - 0 - 5 5 127.0.0.1:${target.port} a - TcpConnectionEnd\n`);
});

test('a log with lines at all moments has them, and one with others has those', async () => {
  const target = await startTarget(echo);
  const [all, others] = [makeLog(), makeLog()];
  const short = '%ACCESS_LOG_TYPE% %RESPONSE_CODE% %BYTES_SENT% %UPSTREAM_HOST%';
  const accessLogs = [
    { path: all.path, format: short, at: ['asked', 'opened', 'ended'] },
    { path: others.path, format: short, at: ['opened'] },
  ] as const;
  const place = `127.0.0.1:${target.port}`;
  const chain = await startChain([proxyStage('p', { accessLogs, allow: [place] })]);
  const opened = `DownstreamTunnelSuccessfullyEstablished 200 0 ${place}\n`;
  await exchange(chain.port, `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\nhi`);
  const tunnel = `DownstreamStart 0 0 -\n${opened}DownstreamEnd 200 2 ${place}\n`;
  await eventually(all.read, tunnel);
  await exchange(chain.port, 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n');
  await eventually(all.read, `${tunnel}DownstreamStart 0 0 -\nDownstreamEnd 403 0 127.0.0.1:1\n`);
  expect(others.read()).toBe(opened);
});

test.each([
  ['a proxy that refuses', 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n', 'tunnel_response:403'],
  ['a proxy that fails', 'HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n', 'tunnel_response:502'],
])('%s stands in the line of the tunnel that it did not open', async (_what, answer, reason) => {
  const proxy = await startTarget(answerWith(answer));
  const { accessLogs, read } = makeLog();
  const hops = [[makeHop('http', proxy.port)]];
  const target = { kind: 'tcp', host: 'db.corp', port: 1 } as const;
  const chain = await startChain([forwardStage('a', target, { accessLogs, route: { hops } })]);
  await connectPeer(chain.port);
  await eventually(read, `- - - - - 0 UF,URX 0 0 127.0.0.1:${proxy.port} a ${reason} TcpConnectionEnd\n`);
});

test('a proxy writes what was asked for, and nothing that lets somebody in', async () => {
  const target = await startTarget(echo);
  const { accessLogs, read } = makeLog();
  const chain = await startChain([proxyStage('p', { accessLogs, allow: ['127.0.0.1'] })]);
  const place = `127.0.0.1:${target.port}`;
  const head = `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\nX-Kind: k\r\nProxy-Authorization: Basic eDp5\r\n\r\n`;
  expect(await exchange(chain.port, `${head}hi`)).toMatch(/^HTTP\/1\.1 200 [^]*hi$/);
  const line = `CONNECT ${place} k - HTTP/1.1 200 - 2 2 ${place} p - DownstreamEnd\n`;
  await eventually(read, line);
  expect(await exchange(chain.port, 'CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.\d 502/);
  const failed = `CONNECT 127.0.0.1:1 - - HTTP/1.0 502 UF 0 0 127.0.0.1:1 p ${'delayed_connect_error:_Connection_refused'} DownstreamEnd\n`;
  await eventually(read, line + failed);
  expect(await exchange(chain.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 405/);
  await eventually(read, `${line}${failed}GET x - - HTTP/1.1 405 - 0 0 - - - DownstreamEnd\n`);
});

test('a stage inside writes its own line, also where the outer one has the record', async () => {
  const { path, read } = makeLog();
  const stages = [
    forwardStage('outer', internal('inner'), { accessLogs: [{ path, format: 'outer %UPSTREAM_HOST%' }] }),
    forwardStage('inner', refusedAddress, {
      listen: 'internal',
      accessLogs: [{ path, format: { from: 'inner', bytes: '%BYTES_SENT%', no: '%REQ(X)%' } }],
    }),
  ];
  const chain = await startChain(stages);
  await connectPeer(chain.port);
  await eventually(
    () => read().split('\n').toSorted(),
    ['', 'outer internal://inner', '{"from":"inner","bytes":0,"no":null}'],
  );
});

test('requests have their lines: answered here, passed on, refused', async () => {
  const origin = await startTarget(answerWith('HTTP/1.1 200 OK\r\nX-Made-By: me\r\nContent-Length: 3\r\n\r\nhey'));
  const { path, read } = makeLog();
  const line =
    '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT% %RESP(X-Made-By)% %UPSTREAM_HOST% %UPSTREAM_CLUSTER%';
  const routes = [
    on('/a', answer('hello')),
    on('/b', requests({ upstream: 'origin' })),
    on('/c', requests({ upstream: 'dead' })),
  ];
  const upstreams = [upstream('origin', origin.address), upstream('dead', refusedAddress)];
  const stage = httpStage('front', routes, upstreams);
  const chain = await startChain([{ ...stage, accessLogs: [{ path, format: `${line} %RESPONSE_CODE_DETAILS%` }] }]);
  const lines = [
    '/a?x=1 200 - 5 - - - direct_response',
    `/b 200 - 3 me 127.0.0.1:${origin.port} origin via_upstream`,
    `/c 503 UF 0 - 127.0.0.1:${refusedAddress.port} dead upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}`,
    '/d 404 NR 0 - - - route_not_found',
  ];
  for (const [index, target] of ['/a?x=1', '/b', '/c', '/d'].entries()) {
    await exchange(chain.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await eventually(read, `${lines.slice(0, index + 1).join('\n')}\n`);
  }
});

test('lines number the connections of clients and those to upstreams', async () => {
  const target = await startTarget(echo);
  const { path, read } = makeLog();
  const place = `127.0.0.1:${target.port}`;
  const format = '%REQ(:METHOD)% %CONNECTION_ID% %UPSTREAM_CONNECTION_ID%';
  const http = httpStage('front', [on('/', answer('hello'))], []);
  const pages = await startChain([{ ...http, accessLogs: [{ path, format }] }]);
  const page = 'GET / HTTP/1.1\r\nHost: a\r\n';
  await exchange(pages.port, `${page}\r\n${page}Connection: close\r\n\r\n`);
  await exchange(pages.port, `${page}Connection: close\r\n\r\n`);
  const proxy = await startChain([proxyStage('p', { accessLogs: [{ path, format }], allow: [place] })]);
  await exchange(proxy.port, `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\nhi`);
  await eventually(() => read().split('\n').length, 5);
  const [one, two, three, tunnel] = read()
    .split('\n')
    .map((line) => line.split(' '));
  expect(two).toEqual(one);
  expect(three?.[1]).not.toBe(one?.[1]);
  expect([one?.[2], three?.[2]]).toEqual(['0', '0']);
  expect(new Set(['0', one?.[1], three?.[1], tunnel?.[1], tunnel?.[2]]).size).toBe(5);
});
