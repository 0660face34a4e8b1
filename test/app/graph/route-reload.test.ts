import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeHop, makeRoute, startTestServe } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const mesh = await makeMesh();

/** A way to an echo, through a hop whose certificate is in a file that can be replaced. */
async function startRoute() {
  const target = await startTarget(echo);
  const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
  const first = await mesh.issue(spiffeId('first'));
  const cert = mesh.certs.write('hop.pem', first.certPem + first.keyPem);
  const route = await makeRoute([makeHop('hbone', app.port, { tls: { ...mesh.hopTls(), cert, key: cert } })]);
  return {
    cert,
    route,
    dial: async () => new RawPeer(await route.dial(target.address, makeContext(target.address))),
    users: () => app.eventsOf('tunnel.opened').map(({ user }) => user),
  };
}

async function expectAlive(peer: RawPeer): Promise<void> {
  peer.send('still here');
  peer.fin();
  expect((await peer.readToEnd()).toString()).toBe('still here');
}

test('certificates are read again for new sessions, and open tunnels live on', async () => {
  const { cert, route, dial, users } = await startRoute();
  const before = await dial();
  const second = await mesh.issue(spiffeId('second'));
  writeFileSync(cert, second.certPem + second.keyPem);
  await route.reload();
  const after = await dial();
  expect(users()).toEqual([spiffeId('first'), spiffeId('second')]);
  await expectAlive(before);
  await expectAlive(after);
});

test('what cannot be read leaves everything as it was', async () => {
  const { cert, route, dial, users } = await startRoute();
  const before = await dial();
  writeFileSync(cert, 'no certificate');
  await expect(route.reload()).rejects.toMatchObject({ code: 'usage' });
  const after = await dial();
  expect(users()).toEqual([spiffeId('first'), spiffeId('first')]);
  await expectAlive(before);
  await expectAlive(after);
});
