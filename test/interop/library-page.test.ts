import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { findBlock } from '../support/readme.ts';
import { startEcho } from './parts/socat.ts';
import { openPageWorld, type PageWorld } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

const page = 'docs/library.md';
const root = fileURLToPath(new URL('../../', import.meta.url));

describe.skipIf(!hasWorld)('the library as its page shows it', () => {
  let world: PageWorld;
  const proxies = ['proxy.corp:8080', 'edge.internal:8443'];

  beforeAll(async () => {
    world = await openPageWorld(['proxy.corp', 'edge.internal', 'db.internal']);
    mkdirSync(join(world.home, 'node_modules'));
    symlinkSync(root, join(world.home, 'node_modules/tunl'));
    writeFileSync(join(world.home, 'page.mjs'), findBlock('library', page));
    const rules = '--open --allow edge.internal:8443 --allow db.internal:5432';
    const started = await Promise.all(
      proxies.map((place) => world.start(`exec tunl serve ${place} ${rules}`, /^tunl: serving/m)),
    );
    return async () => {
      for (const proxy of started) await proxy.stop();
      await world.stop();
    };
  });

  test('says which hop failed and why', async () => {
    const { code, stdout, stderr } = await world.run('exec node page.mjs');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^connection_refused: .*db\.internal:5432.* \{ index: 2, count: 2 \}\n$/),
    });
  });

  test('sends and receives through both proxies', async () => {
    await world.lend('db.internal:5432', () => startEcho());
    expect(await world.run('exec node page.mjs')).toMatchObject({ code: 0, stdout: 'SELECT 1\n', stderr: '' });
  });
});
