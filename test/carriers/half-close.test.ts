import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Hop } from '../../src/core/hop.ts';
import { type Link, resetError } from '../../src/core/link.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../support/targets/plain.ts';

/** Starts a proxy that answers CONNECT with these fields; an end of either side ends both. */
async function startOldProxy(fields: readonly string[] = []): Promise<Target> {
  return startTarget((socket) => {
    socket.once('data', (head) => {
      const [, host, port] = /^CONNECT ([^:]+):(\d+)/.exec(head.toString('latin1')) ?? [];
      const onward = connect(Number(port), host, () => {
        socket.write(['HTTP/1.1 200 OK', ...fields, '', ''].join('\r\n'));
        socket.pipe(onward).on('error', () => {});
        onward.pipe(socket).on('error', () => {});
      });
      onward.on('error', () => socket.destroy());
      onTestFinished(() => void onward.destroy());
    });
  });
}

async function dial(hops: readonly Hop[]): Promise<Link> {
  const target = await startTarget();
  const route = await makeRoute(hops);
  const link = await route.dial(target.address, makeContext(target.address));
  onTestFinished(() => link.reset(resetError('the test is over')));
  return link;
}

const at = ({ port }: { port: number }) => `127.0.0.1:${port}`;

describe('when our end may go out', () => {
  test('is at once where nothing is on the way', async () => {
    expect((await dial([])).halfClose).toBeUndefined();
  });

  test.each(['http', 'h2c'])('is at once behind a tunl that says so (%s)', async (scheme) => {
    const serve = await startTestServe();
    expect((await dial([makeHop(scheme, serve.port)])).halfClose).toBeUndefined();
  });

  test.each(['post+http', 'post+h2c'])('is at once with %s', async (scheme) => {
    const serve = await startTestServe({ accept: ['post'] });
    expect((await dial([makeHop(scheme, serve.port)])).halfClose).toBeUndefined();
  });

  test('is with care behind a proxy that says nothing', async () => {
    const proxy = await startOldProxy();
    expect((await dial([makeHop('http', proxy.port)])).halfClose).toEqual({
      when: 'wait',
      hop: at(proxy),
      swallows: false,
    });
  });

  test.each(['Proxy-agent: tinyproxy/1.11.1', 'Server: squid/5.7', 'Via: 2 nghttpx'])(
    'is with care behind one that is known to swallow it (%s)',
    async (field) => {
      const proxy = await startOldProxy([field]);
      expect((await dial([makeHop('http', proxy.port)])).halfClose).toMatchObject({ when: 'wait', swallows: true });
    },
  );

  test('is with care where somebody else has passed on what tunl says', async () => {
    const proxy = await startOldProxy(['Tunl-Half-Close: 1', 'Via: 1.1 front']);
    expect((await dial([makeHop('http', proxy.port)])).halfClose).toMatchObject({ when: 'wait' });
  });

  test.each(['now', 'wait', 'never'] as const)('is what the user says: %s', async (halfClose) => {
    const proxy = await startOldProxy();
    expect((await dial([makeHop('http', proxy.port, { halfClose })])).halfClose).toMatchObject({ when: halfClose });
  });
});

describe('what the ends of a tunnel pass', () => {
  test('is an old proxy and then tunl over HTTP/1.1: with care', async () => {
    const [proxy, serve] = [await startOldProxy(), await startTestServe()];
    const link = await dial([makeHop('http', proxy.port), makeHop('http', serve.port)]);
    expect(link.halfClose).toMatchObject({ when: 'wait', hop: at(proxy) });
  });

  test('is only tunl where it carries them in band behind an old proxy: at once', async () => {
    const [proxy, serve] = [await startOldProxy(), await startTestServe()];
    expect((await dial([makeHop('http', proxy.port), makeHop('h2c', serve.port)])).halfClose).toBeUndefined();
  });

  test.each(['http', 'h2c'])('is an old proxy behind tunl: with care (%s)', async (scheme) => {
    const [serve, proxy] = [await startTestServe(), await startOldProxy()];
    const link = await dial([makeHop(scheme, serve.port), makeHop('http', proxy.port)]);
    expect(link.halfClose).toMatchObject({ when: 'wait', hop: at(proxy) });
  });

  test('holds to the most careful of several hops', async () => {
    const [near, far] = [await startOldProxy(), await startOldProxy()];
    const link = await dial([makeHop('http', near.port, { halfClose: 'never' }), makeHop('http', far.port)]);
    expect(link.halfClose).toMatchObject({ when: 'never', hop: at(near) });
  });
});

test('serve obeys the rule of the proxy that it goes on through', async () => {
  const proxy = await startOldProxy();
  const target = await startTarget();
  const serve = await startTestServe({ hops: [makeHop('http', proxy.port, { halfClose: 'never' })] });
  const route = await makeRoute([makeHop('http', serve.port)]);
  const link = await route.dial(target.address, makeContext(target.address));
  onTestFinished(() => link.reset(resetError('the test is over')));
  expect(link.halfClose).toBeUndefined();
  const client = new RawPeer(link);
  client.send('question');
  client.fin();
  const peer = await target.accept();
  await peer.readUntil('question');
  peer.send('answer');
  peer.fin();
  expect((await client.readToEnd()).toString()).toBe('answer');
});
