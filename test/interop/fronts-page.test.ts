import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { findBlock } from '../support/readme.ts';
import { openPageWorld, type PageWorld, startShell } from './support/page-world.ts';
import { startRegistry } from './support/registry.ts';
import { hasWorld } from './support/world.ts';

const page = 'docs/fronts.md';

describe.skipIf(!hasWorld)('the page about fronts', () => {
  let world: PageWorld;
  let env: Record<string, string>;

  beforeAll(async () => {
    world = await openPageWorld(['edge.internal', 'git.internal', 'shell.internal']);
    const certs = await makeCerts();
    const server = await certs.issue({ cn: 'git.internal', dns: ['git.internal'] });
    const registry = await world.host('git.internal:443', () => startRegistry(server));
    const shell = await startShell(world);
    const door = await world.host('shell.internal:22', async () => shell);
    const edge = await world.start(
      'exec tunl serve edge.internal:8080 --open --allow git.internal:443 --allow shell.internal:22',
      /^tunl: serving/m,
    );
    env = { GIT_SSL_CAINFO: certs.ca.cert, CURL_CA_BUNDLE: certs.ca.cert };
    return async () => {
      await Promise.all([edge.stop(), registry.stop(), door.stop()]);
      await world.stop();
    };
  });

  test('runs a command', async () => {
    const { code, stdout } = await world.run(findBlock('command', page), { env });
    expect([code, stdout]).toEqual([0, expect.stringContaining('refs/heads/main')]);
  });

  test('runs a command that is told an address alone', async () => {
    const { code, stdout } = await world.run(findBlock('open', page), { env });
    expect([code, stdout]).toEqual([0, 'a page\n']);
  });

  test('opens a front for four programs', async () => {
    await world.begin(`exec ${findBlock('stay', page)}`, /^tunl: serving/m);
    const { code, stdout, stderr } = await world.run(`set -e\n${findBlock('programs', page)}`, { env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^a page\na page\n[^]*refs\/heads\/main\n\S+\n$/);
  });

  test('shows a file that opens the same', async () => {
    writeFileSync(join(world.home, 'chain.yaml'), findBlock('chain', page));
    await world.begin('exec tunl chain -c chain.yaml', /serving http:127\.0\.0\.1:1081/, { CI_PASSWORD: 'x y' });
    const socks = await world.run('curl -sS --socks5-hostname 127.0.0.1:1080 https://git.internal/', { env });
    const http = await world.run('curl -sS -x http://ci:x%20y@127.0.0.1:1081 https://git.internal/', { env });
    expect([socks.stdout, http.stdout]).toEqual(['a page\n', 'a page\n']);
    const denied = await world.run('curl -sS -x http://127.0.0.1:1081 https://git.internal/', { env });
    expect(denied.stderr).toContain('407');
  });
});
