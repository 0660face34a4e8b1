import { expect, test } from 'vitest';
import { carryTunnel, type TunnelEnv, type TunnelJob } from '../../../src/app/tunnel/tunnel.ts';
import { Tunnels } from '../../../src/app/tunnel/tunnels.ts';
import { Abort } from '../../../src/core/abort.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import { linkPair } from '../../../src/core/link.ts';
import { expectCollected } from '../../support/collected.ts';
import { inTime } from '../../support/eventually.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';

const peer = { address: { kind: 'tcp', host: '192.0.2.1', port: 4711 } } as const;
const target = { kind: 'tcp', host: 'db', port: 22 } as const;

/** Starts a tunnel between two Links in memory, and forgets who asked for it. */
async function startTunnel(access?: NonNullable<TunnelEnv['access']>) {
  const events: TunlEvent[] = [];
  const emit = (event: TunlEvent) => void events.push(event);
  const [client, accepted] = linkPair({ second: peer });
  const [upstream, dialled] = linkPair();
  const env: TunnelEnv = {
    dial: async () => dialled,
    via: [],
    limits: { idleMs: 0, lingerMs: 0 },
    tunnels: new Tunnels(emit),
    emit,
    ...(access && { access }),
  };
  const job: TunnelJob = {
    target,
    origin: { peer },
    gone: new Abort().signal,
    accept: () => accepted,
    refuse: () => {},
    statusOf: (error) => (error ? 502 : 200),
  };
  const outcome = await carryTunnel(env, job);
  if (!('ended' in outcome)) throw outcome.failure;
  return {
    events,
    ended: outcome.ended,
    job: new WeakRef(job),
    origin: new WeakRef(job.origin),
    client: new RawPeer(client),
    upstream: new RawPeer(upstream),
  };
}

test('a running tunnel keeps nothing of who asked for it, and its record is complete', async () => {
  const { client, upstream, ended, job, origin, events } = await startTunnel();
  await expectCollected(job);
  await expectCollected(origin);
  client.send('ping');
  client.fin();
  upstream.fin();
  await inTime('the end', ended);
  expect(events.at(-1)).toMatchObject({
    event: 'tunnel.closed',
    client: '192.0.2.1:4711',
    target: 'db:22',
    sent: 4,
    end: 'clean',
    status: 200,
  });
});

test('where there is an access log it keeps what is written there, and not the job', async () => {
  const entries: object[] = [];
  const write = (entry: object) => void entries.push(entry);
  const { client, upstream, ended, job } = await startTunnel({ write, cluster: 'web', nearest: () => 'db:22' });
  await expectCollected(job);
  client.fin();
  upstream.fin();
  await inTime('the end', ended);
  const asked = { origin: { peer }, cluster: 'web' };
  const opened = { ...asked, place: 'db:22', status: 200 };
  expect(entries).toMatchObject([
    { at: 'asked', ...asked },
    { at: 'opened', ...opened },
    { ...opened, result: { end: 'clean' } },
  ]);
});
