import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { IssuedCertificate } from '../support/certs/certs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { startSpiffeAgent } from '../support/peers/spiffe-agent.ts';
import { findBlock } from '../support/readme.ts';
import { startHboneTerminator } from './parts/envoy-hbone.ts';
import { envoyWrapper, hasEnvoy } from './parts/envoy.ts';
import { startEcho, startGreeting } from './parts/socat.ts';
import { openPageWorld, type PageWorld } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

const page = 'docs/mesh.md';
const mesh = await makeMesh();

describe.skipIf(!hasWorld)('tunl in a mesh', () => {
  let world: PageWorld;

  beforeAll(async () => {
    world = await openPageWorld(['waypoint.shop', '10.96.7.20', '10.1.2.3']);
    writeFileSync(join(world.home, 'bin/envoy'), envoyWrapper, { mode: 0o755 });
    return world.stop;
  });

  /** Issues a certificate of the mesh into a folder of the world, under these names. */
  async function write(account: string, names: MaterialNames, folder = '.'): Promise<IssuedCertificate> {
    const issued = await mesh.issue(spiffeId(account));
    const path = join(world.home, folder);
    mkdirSync(path, { recursive: true });
    copyFileSync(issued.cert, join(path, names.cert));
    copyFileSync(issued.key, join(path, names.key));
    copyFileSync(mesh.certs.ca.cert, join(path, names.root));
    return issued;
  }

  const agentNames = { cert: 'cert-chain.pem', key: 'key.pem', root: 'root-cert.pem' };

  test('has both ends as shown', async () => {
    for (const account of ['cart', 'db'])
      await write(account, { cert: `${account}.pem`, key: `${account}.key`, root: 'root.pem' });
    await world.lend('10.1.2.3:5432', () => startEcho());
    const [forward = '', serve = ''] = findBlock('mesh', page).trim().split('\n');
    await world.begin(`exec ${serve}`, /^tunl: serving 0\.0\.0\.0:15008/m);
    const { running } = await world.begin(`exec ${forward}`, /^tunl: forwarding 127\.0\.0\.1:5432/m);
    // The header of the PROXY protocol, version 2, tells whose connection it is, in its TLVs too. Then comes what was sent.
    const script = `echo hello >&3; head -c 12 <&3 | od -An -tx1; grep -aom1 'sa/cart' <&3`;
    expect(await world.talk(5432, script), running.stderr()).toBe(' 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a\nsa/cart\n');
  });

  test('has both ends by SPIFFE agents', async () => {
    await world.lend('10.1.2.3:5432', () => startEcho());
    const [forward = '', serve = ''] = findBlock('spiffe', page).trim().split('\n');
    const begin = async (account: string, line: string, ready: RegExp) => {
      const leaf = await mesh.issue(spiffeId(account));
      const agent = await startSpiffeAgent({ id: spiffeId(account), leaf, key: leaf, authorities: [mesh.certs.ca] });
      return world.begin(`exec ${line.replace('unix:/run/spire/agent.sock', agent.address)}`, ready);
    };
    await begin('db', serve, /^tunl: serving 0\.0\.0\.0:15008/m);
    const { running } = await begin(
      'cart',
      forward.replace('forward 5432:', 'forward 5434:'),
      /^tunl: forwarding 127\.0\.0\.1:5434/m,
    );
    expect(await world.talk(5434, 'echo hello >&3; head -n 1 <&3'), running.stderr()).toBe('hello\n');
  });

  test.skipIf(!hasEnvoy)('goes in through a waypoint, with tunl and with Envoy', async () => {
    await write('cart', agentNames);
    const { cert, key } = await mesh.issue(spiffeId('waypoint'));
    const identity = { cert, key, root: mesh.certs.ca.cert, peerPrefix: 'spiffe://cluster.local/' };
    await world.lend('waypoint.shop:15008', () => startHboneTerminator(identity));
    await world.lend('10.96.7.20:5432', () => startGreeting('service'));
    for (const [block, ready] of [
      [findBlock('waypoint', page), /^tunl: forwarding/m],
      [findBlock('mesh-envoy', page), /starting main dispatch loop/],
    ] as const) {
      const { running } = await world.begin(`set -e\n${block}`, ready);
      expect(await world.talk(5432)).toBe('service\n');
      await running.stop();
    }
  });

  test('is a peer', async () => {
    await write('db', agentNames, 'peer');
    await write('cart', agentNames);
    await world.lend('10.1.2.3:5432', () => startEcho());
    await world.begin(`cd peer; exec ${findBlock('peer', page)}`, /^tunl: serving/m);
    const hop = findBlock('waypoint', page).replace('waypoint.shop', '10.1.2.3').replace('sa/waypoint', 'sa/db');
    const client = hop.replace('10.96.7.20', '10.1.2.3').replace('5432:', '5433:');
    await world.begin(`exec ${client}`, /^tunl: forwarding/m);
    // The header of the PROXY protocol comes before our own words, and back with them.
    expect(await world.talk(5433, 'echo hello >&3; grep -aom1 hello <&3')).toBe('hello\n');
  });
});

interface MaterialNames {
  readonly cert: string;
  readonly key: string;
  readonly root: string;
}
