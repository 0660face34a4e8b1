import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { findBlock } from '../support/readme.ts';
import { startEcho } from './parts/socat.ts';
import type { Part } from './support/part.ts';
import { hasWorld, openWorld, type World } from './support/world.ts';

const page = 'docs/library.md';
const root = fileURLToPath(new URL('../../', import.meta.url));

describe.skipIf(!hasWorld)('the library as its page shows it', () => {
  let world: World;
  const proxies = ['proxy.corp:8080', 'edge.internal:8443'];

  beforeAll(async () => {
    world = await openWorld(['proxy.corp', 'edge.internal', 'db.internal']);
    mkdirSync(join(world.home, 'node_modules'));
    symlinkSync(root, join(world.home, 'node_modules/tunl'));
    writeFileSync(join(world.home, 'page.mjs'), findBlock('library', page));
    const ends = await Promise.all(proxies.map(startProxy));
    return async () => {
      for (const end of ends) await end();
      await world.stop();
    };
  });

  async function startProxy(place: string): Promise<() => Promise<unknown>> {
    const running = world.launch(`exec tunl serve ${place} --open --allow edge.internal:8443 --allow db.internal:5432`);
    await running.waitFor('the proxy', () => (running.stderr().includes('tunl: serving') ? true : undefined));
    return () => running.stop();
  }

  test('says which hop failed and why', async () => {
    const { code, stdout, stderr } = await world.run('exec node page.mjs');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^connection_refused: .*db\.internal:5432.* \{ index: 2, count: 2 \}\n$/),
    });
  });

  test('sends and receives through both proxies', async () => {
    const target: Part = await world.host('db.internal:5432', () => startEcho());
    const result = await world.run('exec node page.mjs');
    await target.stop();
    expect(result).toMatchObject({ code: 0, stdout: 'SELECT 1\n', stderr: '' });
  });
});
