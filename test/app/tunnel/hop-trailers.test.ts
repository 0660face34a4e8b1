import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { acceptHttp2, type Http2Peer } from '../../support/peers/h2-peer.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

const target = { kind: 'tcp', host: 'db.corp', port: 1 } as const;
const trailersOnly = '%FILTER_STATE(envoy.tcp_proxy.propagate_response_trailers)%';

interface Bed {
  readonly client: RawPeer;
  /** The proxy's end of the session, and the stream of the tunnel. */
  readonly session: Http2Peer;
  readonly stream: number;
  log(): string;
}

/** Opens a tunnel through a proxy over HTTP/2 that the test plays, and more behind it, in a stage with this log. */
async function openTunnel(format: string, behind: readonly 'http'[] = []): Promise<Bed> {
  const proxy = await startTarget();
  const path = join(makeTempFolder(), 'access.log');
  const hops = ['h2c' as const, ...behind].map((scheme) => [makeHop(scheme, proxy.port)]);
  const stage = forwardStage('a', target, { accessLogs: [{ path, format }], route: { hops } });
  const chain = await startChain([stage]);
  const client = await connectPeer(chain.port);
  const session = await acceptHttp2(proxy);
  const stream = await session.nextRequest();
  session.answer(stream, 200);
  return { client, session, stream, log: () => readFileSync(path, { encoding: 'utf8', flag: 'a+' }) };
}

test('the trailers of a proxy end the tunnel cleanly, and are in the log without what lets somebody in', async () => {
  const { client, session, stream, log } = await openTunnel(trailersOnly);
  session.send('data', stream, 'last');
  session.sendFields(
    stream,
    [
      ['x-end', 'over'],
      ['set-cookie', 'hidden'],
      ['connection', 'x'],
    ],
    flags.endStream,
  );
  expect(String(await client.readToEnd())).toBe('last');
  client.send('rest');
  client.fin();
  expect(String(await session.read(stream, 4))).toBe('rest');
  expect(await session.endOf(stream)).toBe('end');
  await eventually(log, '{"headers":[{"key":"x-end","value":"over"}]}\n');
});

test.each([
  ['a log wants none', '%RESPONSE_FLAGS%', flags.endStream],
  ['they do not end the stream', trailersOnly, flags.none],
])('trailers reset a tunnel by CONNECT where %s', async (_where, format, bits) => {
  const { client, session, stream, log } = await openTunnel(format);
  session.sendFields(stream, [['x-end', 'over']], bits);
  expect(await session.endOf(stream)).toBe(0x1);
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(log, '-\n');
});

test('only the last proxy has trailers that count', async () => {
  const { client, session, stream, log } = await openTunnel(trailersOnly, ['http']);
  await session.frameOf(stream, 'data');
  session.send('data', stream, 'HTTP/1.1 200 OK\r\n\r\nlast');
  session.sendFields(stream, [['x-end', 'over']], flags.endStream);
  expect(String(await client.readToEnd())).toBe('last');
  client.fin();
  await eventually(log, '-\n');
});
