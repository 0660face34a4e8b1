import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { findBlock } from '../support/readme.ts';
import { startSshd } from './parts/sshd.ts';
import type { Running } from './support/process.ts';
import { startRegistry } from './support/registry.ts';
import { formatSshOptions } from './support/ssh.ts';
import { hasWorld, openWorld, type World } from './support/world.ts';

const page = 'docs/fronts.md';

describe.skipIf(!hasWorld)('the page about fronts', () => {
  let world: World;
  let env: Record<string, string>;

  beforeAll(async () => {
    world = await openWorld(['edge.internal', 'git.internal', 'shell.internal']);
    const certs = await makeCerts();
    const server = await certs.issue({ cn: 'git.internal', dns: ['git.internal'] });
    const registry = await world.host('git.internal:443', () => startRegistry(server));
    const sshd = await startSshdIn();
    const edge = await start(
      'exec tunl serve edge.internal:8080 --open --allow git.internal:443 --allow shell.internal:22',
    );
    env = { GIT_SSL_CAINFO: certs.ca.cert, CURL_CA_BUNDLE: certs.ca.cert };
    return async () => {
      await Promise.all([edge.stop(), registry.stop(), sshd.stop()]);
      await world.stop();
    };
  });

  /** Starts an sshd in the world, and lets ssh know its user and its key. */
  async function startSshdIn() {
    let options: readonly string[] = [];
    const part = await world.host('shell.internal:22', async () => {
      const sshd = await startSshd();
      options = ['-p', '22', '-l', sshd.user, ...formatSshOptions(sshd, {})];
      return sshd;
    });
    const words = options.map((word) => `'${word}'`).join(' ');
    writeFileSync(join(world.home, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${words} "$@"\n`, { mode: 0o755 });
    return part;
  }

  async function start(script: string): Promise<Running> {
    const running = world.launch(script);
    await running.waitFor('serving', () => /^tunl: serving/m.exec(running.stderr()) ?? undefined);
    return running;
  }

  test('runs a command', async () => {
    const { code, stdout } = await world.run(findBlock('command', page), { env });
    expect([code, stdout]).toEqual([0, expect.stringContaining('refs/heads/main')]);
  });

  test('runs a command that is told an address alone', async () => {
    const { code, stdout } = await world.run(findBlock('open', page), { env });
    expect([code, stdout]).toEqual([0, 'a page\n']);
  });

  test('opens a front for four programs', async () => {
    const front = await start(`exec ${findBlock('stay', page)}`);
    onTestFinished(async () => void (await front.stop()));
    const { code, stdout, stderr } = await world.run(`set -e\n${findBlock('programs', page)}`, { env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^a page\na page\n[^]*refs\/heads\/main\n\S+\n$/);
  });

  test('shows a file that opens the same', async () => {
    writeFileSync(join(world.home, 'chain.yaml'), findBlock('chain', page));
    const chain = world.launch('exec tunl chain -c chain.yaml', { CI_PASSWORD: 'x y' });
    onTestFinished(async () => void (await chain.stop()));
    await chain.waitFor('both', () => /serving http:127\.0\.0\.1:1081/.exec(chain.stderr()) ?? undefined);
    const socks = await world.run('curl -sS --socks5-hostname 127.0.0.1:1080 https://git.internal/', { env });
    const http = await world.run('curl -sS -x http://ci:x%20y@127.0.0.1:1081 https://git.internal/', { env });
    expect([socks.stdout, http.stdout]).toEqual(['a page\n', 'a page\n']);
    const denied = await world.run('curl -sS -x http://127.0.0.1:1081 https://git.internal/', { env });
    expect(denied.stderr).toContain('407');
  });
});
