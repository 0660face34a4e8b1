import { expect, test } from 'vitest';
import type { Hop } from '../../../src/core/hop.ts';
import { makeHop, makeRoute } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { startTlsProxy } from '../../support/peers/tls-proxy.ts';

const host = ['Host', 'proxy.corp'] as const;
const making = (scheme: string, more: Partial<Hop> = {}) =>
  makeRoute([makeHop(scheme, 1, { headers: [host], ...more })]);

test.each(['h2', 'h2c', 'hbone', 'post+h2', 'post+h2c'])('%s:// has no Host for a user to set', async (scheme) => {
  await expect(making(scheme)).rejects.toMatchObject({
    code: 'usage',
    message: `${scheme}://127.0.0.1:1 speaks HTTP/2, where the target stands in the place of Host`,
  });
});

test('a Host and alpn=h2 contradict each other', async () => {
  await expect(making('https', { tls: { alpn: 'h2' } })).rejects.toMatchObject({ code: 'usage' });
});

test.each([{ headers: [host, host] }, { formats: [['host', '%UPSTREAM_HOST%'] as const] }])(
  'there is one Host: %j',
  async (more) => {
    await expect(making('http', more)).rejects.toMatchObject({
      message: expect.stringContaining('more than one Host'),
    });
  },
);

test('a proxy that is sent a Host is offered HTTP/1.1, which has one', async () => {
  const proxy = await startTlsProxy();
  const target = { kind: 'tcp', host: 'db', port: 22 } as const;
  const route = await makeRoute([makeHop('https', proxy.port, { headers: [host], tls: { pin: proxy.pin } })]);
  const opening = route.dial(target, makeContext(target));
  const peer = await proxy.accept();
  expect(await peer.readHead()).toMatch(/^CONNECT db:22 HTTP\/1\.1\r\nHost: proxy\.corp\r\n(?!.*host:)/is);
  peer.send('HTTP/1.1 200 OK\r\n\r\n');
  (await opening).reset(new Error('the test is over'));
  expect(proxy.agreed).toEqual(['http/1.1']);
});
