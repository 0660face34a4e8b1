import { expect, test } from 'vitest';
import type { HeaderField } from '../../../src/core/hop.ts';
import { makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { forwardStage, proxyStage } from '../../support/graphs/graphs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerWith } from '../../support/peers/scripted-proxy.ts';
import { startTarget } from '../../support/targets/plain.ts';

const beyond = { kind: 'tcp', host: 'db.corp', port: 5432 } as const;

function hopTo(port: number, formats: readonly HeaderField[]) {
  return { ...makeHop('http', port), formats };
}

test('fields with operators are filled in for each tunnel', async () => {
  const proxy = await startTarget();
  const formats: HeaderField[] = [
    ['X-Port', '%DOWNSTREAM_LOCAL_PORT%'],
    ['X-Client', 'from %DOWNSTREAM_REMOTE_ADDRESS%, 100%%'],
    ['X-Empty', '%REQUESTED_SERVER_NAME%'],
  ];
  const chain = await startChain([forwardStage('a', beyond, { route: { hops: [[hopTo(proxy.port, formats)]] } })]);
  for (const round of ['first', 'second']) {
    const client = await connectPeer(chain.port);
    const { localPort } = client.stream as unknown as { localPort: number };
    const head = await (await proxy.accept()).readHead();
    expect([round, head]).toEqual([round, expect.stringContaining(`\r\nX-Port: ${chain.port}\r\n`)]);
    expect(head).toContain(`\r\nX-Client: from 127.0.0.1:${localPort}, 100%\r\n`);
    expect(head).not.toContain('X-Empty');
  }
});

test('fields of the request that led to a tunnel can be passed on, but not those that let somebody in', async () => {
  const proxy = await startTarget();
  const formats: HeaderField[] = [
    ['X-Trace', '%REQ(X-Trace)%'],
    ['X-Asked', '%REQ(:METHOD)% %REQ(:AUTHORITY)% %PROTOCOL%'],
    ['X-Who', '%REQ(Proxy-Authorization)%'],
  ];
  const chain = await startChain([proxyStage('a', { route: { hops: [[hopTo(proxy.port, formats)]] } })]);
  const client = await connectPeer(chain.port);
  client.send('CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nX-Trace: 17\r\nProxy-Authorization: Basic eDp5\r\n\r\n');
  const head = await (await proxy.accept()).readHead();
  expect(head).toContain('\r\nX-Trace: 17\r\n');
  expect(head).toContain('\r\nX-Asked: CONNECT x:1 HTTP/1.1\r\n');
  expect(head).not.toContain('eDp5');
});

test('a proxy that repeats what was filled in does not bring it into a message', async () => {
  const proxy = await startTarget(answerWith('HTTP/1.1 403 No secret-of-17 here\r\nContent-Length: 0\r\n\r\n'));
  const formats: HeaderField[] = [['X-Token', 'secret-of-%REQ(X-Trace)%']];
  const chain = await startChain([proxyStage('a', { route: { hops: [[hopTo(proxy.port, formats)]] } })]);
  const client = await connectPeer(chain.port);
  client.send('CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nX-Trace: 17\r\n\r\n');
  await client.readHead();
  const [failed] = chain.eventsOf('tunnel.failed');
  expect(failed?.error.message).toMatch(/403 No .* here/);
  expect(failed?.error.message).not.toContain('secret-of-17');
});
