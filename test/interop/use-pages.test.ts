import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type IssuedCertificate, makeCerts } from '../support/certs/certs.ts';
import { findBlock } from '../support/readme.ts';
import { startGreeting } from './parts/socat.ts';
import { startGuardedSquid, startSquid } from './parts/squid.ts';
import { openPageWorld, type PageWorld, startDatabase } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe.skipIf(!hasWorld)('the pages about using tunl', () => {
  let world: PageWorld;
  let edge: IssuedCertificate;

  beforeAll(async () => {
    world = await openPageWorld(['proxy', 'edge', 'edge.example.com', 'host', 'direct.internal', 'db', 'db.internal']);
    const certs = await makeCerts();
    edge = await certs.issue({ cn: 'edge', dns: ['edge.example.com'], issuer: certs.otherCa });
    copyFileSync(certs.otherCa.cert, join(world.home, 'edge-ca.pem'));
    await world.host('host:22', () => startGreeting('host'));
    await world.host('direct.internal:22', () => startGreeting('direct'));
    await world.host('db.internal:5432', () => startDatabase(world));
    return world.stop;
  });

  const hostProxy = () => world.lend('proxy:3128', startSquid);
  const hostEdge = () => world.lend('edge.example.com:443', () => startSquid({ tls: edge }));

  describe('docs/proxies.md', () => {
    const page = 'docs/proxies.md';

    test('two proxies are asked in turn', async () => {
      await hostProxy();
      await hostEdge();
      const trusted = { env: { NODE_EXTRA_CA_CERTS: join(world.home, 'edge-ca.pem') } };
      expect(await world.run(findBlock('two', page), trusted)).toMatchObject({ code: 0, stdout: 'host\n' });
      expect((await world.run(findBlock('two', page))).stderr).toContain('(hop 2 of 2)');
    });

    test('a proxy has an authority of its own', async () => {
      await hostEdge();
      expect(await world.run(findBlock('settings', page))).toMatchObject({ code: 0, stdout: 'host\n', stderr: '' });
    });

    test('the environment decides, and -v says how', async () => {
      await hostProxy();
      const { stdout, stderr } = await world.run(findBlock('environment', page));
      expect(stdout).toBe('host\ndirect\n');
      expect(stderr.match(/^tunl: .*(?:https_proxy|NO_PROXY)/gm)).toEqual([
        expect.stringContaining('https_proxy'),
        expect.stringContaining('NO_PROXY'),
      ]);
    });

    test('a password comes from a file', async () => {
      await world.lend('proxy:3128', () => startGuardedSquid({ user: 'me', password: 'from a file' }));
      writeFileSync(join(world.home, '.proxy-password'), 'from a file\n', { mode: 0o600 });
      expect(await world.run(findBlock('password', page))).toMatchObject({ code: 0, stdout: 'host\n', stderr: '' });
      writeFileSync(join(world.home, '.proxy-password'), 'another\n');
      expect(await world.run(findBlock('password', page))).toMatchObject({ code: 67, stdout: '' });
    });
  });

  describe('docs/configuration.md', () => {
    const page = 'docs/configuration.md';

    const configure = () => {
      mkdirSync(join(world.home, '.config/tunl'), { recursive: true });
      onTestFinished(() => rmSync(join(world.home, '.config/tunl'), { recursive: true }));
      copyFileSync(join(world.home, 'edge-ca.pem'), join(world.home, '.config/tunl/edge-ca.pem'));
      writeFileSync(join(world.home, '.config/tunl/config.yaml'), findBlock('file', page), { mode: 0o600 });
    };
    const atHome = (block: string) => block.replaceAll('/home/me', world.home);

    test('names lead through proxies and to targets', async () => {
      await hostProxy();
      configure();
      const { stdout } = await world.run(findBlock('use', page));
      expect(stdout).toMatch(/^host\n[^]*^ +42$/m);
    });

    test('what decides is told, and whether the file is right', async () => {
      configure();
      await world.play(atHome(findBlock('explain', page)));
      await world.play(atHome(findBlock('check', page)));
    });

    test('targets of the clients of a front take the way that match gives them', async () => {
      configure();
      const line = findBlock('front', page);
      const direct = await world.run(`${line} < /dev/null`);
      expect(direct).toMatchObject({ code: 0, stdout: 'direct\n' });
      expect(direct.stderr).toMatch(/^tunl: direct\.internal:22: match \*\.internal:22 says direct \(/m);
      await hostProxy();
      // The database ends a conversation that is not its own.
      const other = line.replace('direct.internal:22', 'db.internal:5432');
      const through = await world.run(`echo GET / HTTP/1.1 | ${other}`);
      expect(through.stderr).toMatch(/^tunl: db\.internal:5432: match \*\.internal says @work \(/m);
      expect(through.stderr).toMatch(/db\.internal:5432 opened .*http:\/\/proxy:3128/);
    });

    test('a command gives the password', async () => {
      await world.lend('proxy:3128', () => startGuardedSquid({ user: 'me', password: 'of a command' }));
      writeFileSync(join(world.home, 'secret'), 'of a command\n');
      expect(await world.run(findBlock('password', page))).toMatchObject({ code: 0, stdout: 'host\n', stderr: '' });
    });
  });

  describe('docs/failures.md', () => {
    const page = 'docs/failures.md';

    test('a failure looks as it says', async () => {
      await world.begin('exec tunl serve edge:8443 --tls --open', /serving/);
      await world.play(findBlock('failure', page));
    });
  });

  describe('docs/scripting.md', () => {
    const page = 'docs/scripting.md';

    test.each([
      ['for one command', () => findBlock('command', page)],
      ['in the background, with a file', () => findBlock('background', page)],
      ['in the background, with a descriptor', () => findBlock('ready-fd', page)],
    ])('a tunnel %s', async (_, block) => {
      await hostProxy();
      const { stdout } = await world.run(block());
      expect(stdout).toMatch(/^ +42$/m);
      expect(await world.run('pgrep -f "^[^ ]*node [^ ]*tunl forward"')).toMatchObject({ stdout: '' });
    });

    test('a tunnel in the background that fails ends the wait', async () => {
      const { code, stdout } = await world.run(`${findBlock('background', page).split('\npsql')[0]}\nwait $!`);
      expect([code, stdout]).toEqual([7, '']);
      expect((await world.run(findBlock('ready-fd', page))).code).toBe(1);
    });
  });

  describe('docs/background.md', () => {
    const page = 'docs/background.md';

    const expectNothingRuns = async () =>
      expect(await world.run('tunl ps')).toMatchObject({
        code: 0,
        stdout: '',
        stderr: expect.stringContaining('nothing runs'),
      });

    test('a tunnel is started, looked at and stopped', async () => {
      await hostProxy();
      const { stdout, stderr } = await world.run(findBlock('start', page));
      expect(stdout).toMatch(/^ +42$/m);
      expect(stdout).toMatch(
        /^NAME +PID +LISTENS +TUNNELS +SENT .*\ndb +\d+ +127\.0\.0\.1:5432 -> db\.internal:5432 +\d+ +\d/m,
      );
      expect(stderr.replace(/\d+(?=\))/, '4242')).toBe(findBlock('said', page).replaceAll(/^(?!tunl:).*\n/gm, ''));
      await expectNothingRuns();
    });

    test('a script has a tunnel as long as it runs', async () => {
      await hostProxy();
      expect((await world.run(findBlock('script', page))).stdout).toMatch(/^ +42$/m);
      await expectNothingRuns();
    });

    test('waits', async () => {
      expect(await world.run(`set -e\n${findBlock('wait', page)}`)).toMatchObject({ code: 0, stdout: '' });
      await expectNothingRuns();
    });

    test('commands run when it is up and when it has ended', async () => {
      await hostProxy();
      const { code, stdout } = await world.run(findBlock('hooks', page));
      expect([code, stdout]).toEqual([0, findBlock('hooks-said', page)]);
      await expectNothingRuns();
    });

    test('what it has said stays', async () => {
      const { code, stdout } = await world.run(findBlock('logs', page));
      expect(code).toBe(0);
      expect(stdout).toMatch(/^\S+Z tunl: serving 127\.0\.0\.1:\d+\n\S+Z tunl: ended with status 0\n$/m);
      await expectNothingRuns();
    });
  });

  describe('docs/completions.md', () => {
    const page = 'docs/completions.md';

    test('completions are where shells look for them', async () => {
      expect(await world.run(findBlock('completion', page))).toMatchObject({ code: 0, stdout: '', stderr: '' });
      const written = (path: string) => readFileSync(join(world.home, path), 'utf8');
      const own = (name: string) => readFileSync(join(root, 'completions', name), 'utf8');
      expect(written('.zfunc/_tunl')).toBe(own('_tunl'));
      expect(written('.config/fish/completions/tunl.fish')).toBe(own('tunl.fish'));
      expect(await world.run('bash -c "source ~/.bashrc; complete -p tunl"')).toMatchObject({ code: 0, stderr: '' });
    });
  });
});
