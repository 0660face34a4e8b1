import { expect, test } from 'vitest';
import { makeHop, makeRoute } from '../../support/harness/app.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { acceptHttp2 } from '../../support/peers/h2-peer.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { startTarget } from '../../support/targets/plain.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;

test.each([
  ['a proof of 48 kB', [['proxy-authenticate', `Negotiate ${'x'.repeat(48_000)}`]]],
  ['300 fields', Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'y'])],
] as const)('a 407 over HTTP/2 with %s is told as one', async (_, fields) => {
  const proxy = await startTarget();
  const route = await makeRoute([makeHop('h2c', proxy.port)]);
  const opening = route.dial(target, makeContext(target));
  const peer = await acceptHttp2(proxy);
  const stream = await peer.nextRequest();
  const head = [[':status', '407'], ...fields] as [string, string][];
  peer.sendFields(stream, head, flags.endStream);
  await expect(opening).rejects.toMatchObject({ code: 'auth_required', facts: { received: 407 } });
});
