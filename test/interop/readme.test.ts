import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findBlock } from '../support/readme.ts';
import { startAnswer, startGreeting } from './parts/socat.ts';
import { startSquid } from './parts/squid.ts';
import { copyCheckout, runNpm } from './support/checkout.ts';
import { openPageWorld, type PageWorld, startDatabase, startShell } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

test('the demo runs in a clean copy, from the first command on', async () => {
  const settings = { npm_config_audit: 'false' };
  const { code, stdout, stderr } = await runNpm(findBlock('demo'), copyCheckout(), settings, { limitMs: 110_000 });
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/deprecated|WARN/)]);
  expect(stdout).toContain('Every byte arrived and came back');
});

describe.skipIf(!hasWorld)('where the names of the README are known', () => {
  let world: PageWorld;

  beforeAll(async () => {
    const hosts = ['proxy', 'proxy.corp', 'host', 'a.example.com', 'db', 'db.internal'];
    world = await openPageWorld(hosts, ['me']);
    const shell = await startShell(world);
    await world.host('host:22', async () => shell);
    await world.host('a.example.com:22', async () => shell);
    await world.host('db.internal:5432', () => startDatabase(world));
    await world.host('proxy:3128', startSquid);
    await world.run('touch ~me/notes.txt ~me/parcels.csv');
    return world.stop;
  });

  test('ssh goes through a proxy, by a command and by its configuration', async () => {
    await world.play(findBlock('ssh'));
    appendFileSync(join(world.home, '.ssh/config'), findBlock('ssh-config'));
    expect(await world.run('ssh me@a.example.com ls')).toMatchObject({ code: 0, stdout: 'notes.txt\nparcels.csv\n' });
  });

  test('psql has a tunnel for as long as it runs', async () => {
    const input = '\\pset format unaligned\n\\t on\nselect 6 * 7;';
    const { code, stdout } = await world.run(findBlock('psql'), { input });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/\n42\n$/)]);
  });

  test('a script has what pg_dump wrote, or knows that there was no tunnel', async () => {
    expect(await world.run(findBlock('script'))).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(join(world.home, 'app.sql'), 'utf8')).toContain('PostgreSQL database dump complete');
    expect(await world.run(findBlock('script').replace('5432', '5433'))).toMatchObject({ code: 125 });
  });

  test('a proxy serves this machine', async () => {
    await world.begin(`exec ${findBlock('serve')}`, /^tunl: serving 127\.0\.0\.1:3128$/m);
    await world.lend('db:5432', () => startGreeting('database'));
    expect(await world.run('tunl connect -x http://127.0.0.1:3128 db:5432')).toMatchObject({ stdout: 'database\n' });
  });

  test('a proxy serves others who have a password, by its rules', async () => {
    writeFileSync(join(world.home, 'askpass'), '#!/bin/sh\necho secret\n', { mode: 0o755 });
    const { match } = await world.begin(
      findBlock('serve-others'),
      /^tunl: development certificate, pin (\S+)\ntunl: serving 0\.0\.0\.0:8443$/m,
      { SSH_ASKPASS: join(world.home, 'askpass') },
    );
    const visit = (place: string, password: string) =>
      world.run(`tunl connect -x 'https://alice@127.0.0.1:8443?pin=${match[1]}' ${place} </dev/null | head -c 7`, {
        env: { TUNL_PROXY_PASSWORD: password },
      });
    expect((await visit('a.example.com:22', 'secret')).stdout).toBe('SSH-2.0');
    expect((await visit('a.example.com:22', 'wrong')).stderr).toContain('407');
    expect((await visit('host:22', 'secret')).stderr).toContain('403');
  });

  test('a failure looks as it says', async () => {
    const body = 'CONNECT is allowed to port 443 only';
    const answer = `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await world.lend('proxy.corp:8080', () => startAnswer(answer));
    await world.play(findBlock('failure'));
  });
});
