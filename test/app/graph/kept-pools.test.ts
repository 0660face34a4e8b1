import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KeptPools } from '../../../src/app/kept-pools.ts';
import type { Session } from '../../../src/core/carrier.ts';
import { Pool } from '../../../src/core/pool.ts';
import { Secret } from '../../../src/core/secret.ts';
import { makeHop, startTestServe } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { forwardStage, internal, toGraph } from '../../support/graphs/graphs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const make = () => new Pool<Session>(true);

test('a pool is handed on to one that asks for the same, password included, and only if its generation ran', () => {
  const kept = new KeptPools();
  const first = kept.prepare();
  const pool = first.sessions({ user: 'a', password: new Secret('one') }, make);
  expect(kept.prepare().sessions({ user: 'a', password: new Secret('one') }, make)).not.toBe(pool);
  first.adopt();
  expect(kept.prepare().sessions({ user: 'a', password: new Secret('two') }, make)).not.toBe(pool);
  const second = kept.prepare();
  expect(second.sessions({ user: 'a', password: new Secret('one') }, make)).toBe(pool);
  expect(second.sessions({ user: 'a', password: new Secret('one') }, make)).not.toBe(pool);
});

test('a certificate that has changed in its file is shown in a session of its own', async () => {
  const mesh = await makeMesh();
  const target = await startTarget(echo);
  const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const [first, second] = [await mesh.issue(spiffeId('first')), await mesh.issue(spiffeId('second'))];
  const cert = mesh.certs.write('hop.pem', first.certPem + first.keyPem);
  const hop = makeHop('hbone', app.port, { tls: { ...mesh.hopTls(), cert, key: cert } });
  const stage = forwardStage('in', target.address, { route: { hops: [[hop]] } });
  const chain = await startChain([stage]);
  const again = () => chain.running.replace(toGraph({ stages: [stage] }));
  const ask = async () => {
    const client = await connectPeer(chain.port);
    client.send('a');
    await client.read(1);
  };
  await ask();
  await again();
  await ask();
  writeFileSync(cert, second.certPem + second.keyPem);
  await again();
  await ask();
  expect(app.eventsOf('tunnel.opened').map(({ user }) => user)).toEqual(
    ['first', 'first', 'second'].map((name) => spiffeId(name)),
  );
});

test('what runs through a stage of the old graph is dialled anew', async () => {
  const target = await startTarget(echo);
  const app = await startTestServe();
  const stages = (name: string) => [
    forwardStage('in', target.address, { route: { entry: internal(name), hops: [[makeHop('h2c', app.port)]] } }),
    forwardStage(name, { kind: 'tcp', host: '127.0.0.1', port: app.port }, { listen: 'internal' }),
  ];
  const chain = await startChain(stages('one'));
  const ask = async () => {
    const client = await connectPeer(chain.port);
    client.send('a');
    await client.read(1);
    return client;
  };
  const old = await ask();
  await chain.running.replace(toGraph({ stages: stages('two') }));
  await ask();
  old.send('b');
  await old.read(1);
});
