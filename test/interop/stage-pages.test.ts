import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { findBlock } from '../support/readme.ts';
import { checkEnvoy, hasEnvoy } from './parts/envoy.ts';
import { startGreeting } from './parts/socat.ts';
import { openPageWorld, type PageWorld } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const certs = await makeCerts();

describe.skipIf(!hasWorld)('the pages about proxies and stages', () => {
  let world: PageWorld;

  beforeAll(async () => {
    const hosts = ['db', 'web', 'host.com', 'a.example.com', 'secret.example.com', 'box.example.com'];
    world = await openPageWorld([...hosts, 'edge.internal', 'db.internal']);
    writeFileSync(join(world.home, 'askpass'), '#!/bin/sh\necho secret\n', { mode: 0o755 });
    writeFileSync(join(world.home, 'users'), `alice:${hashSync('secret', 4)}\n`);
    await world.host('db:5432', () => startGreeting('database'));
    await world.host('db.internal:5432', () => startGreeting('database'));
    await world.host('host.com:443', () => startGreeting('host'));
    return world.stop;
  });

  const write = (name: string, text: string) => writeFileSync(join(world.home, name), text);

  describe('docs/serving.md', () => {
    const page = 'docs/serving.md';
    const started = /^tunl: development certificate, pin (\S+)\ntunl: serving 0\.0\.0\.0:8443$/m;

    test('a proxy asks for the password that its file has', async () => {
      const { match } = await world.begin(`${findBlock('users', page).trim()} --allow db:5432`, started, {
        SSH_ASKPASS: join(world.home, 'askpass'),
      });
      const command = `tunl connect -x 'https://alice@127.0.0.1:8443?pin=${match[1]}' db:5432`;
      const connect = (password: string) => world.run(command, { env: { TUNL_PROXY_PASSWORD: password } });
      expect(await connect('secret')).toMatchObject({ code: 0, stdout: 'database\n', stderr: '' });
      expect(await connect('wrong')).toMatchObject({ code: 67, stdout: '' });
    });

    test('the pin that it prints is what its clients need', async () => {
      const [command = '', ...said] = findBlock('development', page).split('\n');
      const { running, match } = await world.begin(`exec ${command.slice(2)} --allow db:5432`, started);
      const shown = started.exec(said.join('\n'))?.[1] ?? '';
      expect(running.stderr().replace(match[1] ?? '', shown)).toBe(said.join('\n'));
      const client = findBlock('pinned', page);
      const connect = (line: string) => world.run(line, { env: { TUNL_PROXY_PASSWORD: 'secret' } });
      expect(await connect(client)).toMatchObject({ code: 60, stdout: '' });
      expect(await connect(client.replace(shown, match[1] ?? ''))).toMatchObject({ code: 0, stdout: 'database\n' });
    });

    test('a proxy obeys the rules that it shows', async () => {
      await world.lend('web:80', () => startGreeting('web'));
      await world.lend('a.example.com:22', () => startGreeting('ssh'));
      await world.lend('secret.example.com:22', () => startGreeting('secret'));
      const { match } = await world.begin(`exec ${findBlock('serve', page)}`, /^tunl: serving (127\.0\.0\.1:\d+)$/m);
      const connect = (place: string) => world.run(`tunl connect -x http://${match[1]} ${place}`);
      const visits = ['db:5432', 'a.example.com:22', 'web:80', 'secret.example.com:22'].map(connect);
      expect(await Promise.all(visits)).toMatchObject([
        { code: 0, stdout: 'database\n' },
        { code: 0, stdout: 'ssh\n' },
        { code: 97, stdout: '' },
        { code: 97, stdout: '' },
      ]);
    });
  });

  describe('docs/chains.md', () => {
    const page = 'docs/chains.md';

    test('a line is a chain', async () => {
      await world.begin('exec tunl serve 127.0.0.1:10001', /serving/);
      await world.begin(`exec ${findBlock('line', page)}`, /^tunl: forwarding 127\.0\.0\.1:9999/m);
      expect(await world.talk(9999)).toBe('host\n');
    });

    test('a file is a chain, which can be checked and drawn before it runs', async () => {
      const edge = await certs.issue({ cn: 'edge', dns: ['edge.example.com'] });
      copyFileSync(edge.cert, join(world.home, 'edge.pem'));
      copyFileSync(edge.key, join(world.home, 'edge.key'));
      copyFileSync(certs.ca.cert, join(world.home, 'ca.pem'));
      write('chain.yaml', findBlock('file', page));
      const { code, stdout, stderr } = await world.run(findBlock('checks', page));
      expect([code, stderr]).toEqual([0, '']);
      for (const word of ['ingress', 'encap', 'edge', 'fused']) expect(stdout).toContain(word);
      await world.begin('exec tunl chain -c chain.yaml', /^tunl: serving 0\.0\.0\.0:10001/m);
    });

    test('an HTTP stage answers, opens a tunnel and ends it', async () => {
      const text = findBlock('http', page);
      const example = readFileSync(join(root, 'docs/http-stage.yaml'), 'utf8');
      expect(example.replaceAll(/^#.*\n/gm, '')).toBe(text);
      write('http.yaml', text);
      await world.begin('exec tunl chain -c http.yaml', /10001[^]*10000|10000[^]*10001/);
      expect((await world.run('curl -s http://127.0.0.1:10000/health')).stdout).toBe('ok');
      expect((await world.run('curl -s http://127.0.0.1:10000/')).stdout).toBe('Hello, world!\n');
    });
  });

  describe('docs/chains.md, who may pass', () => {
    const page = 'docs/chains.md';

    test('screens let requests pass or not', async () => {
      write('gate.yaml', findBlock('screens', page));
      await world.begin('exec tunl chain -c gate.yaml', /10002/);
      const curl = "curl -s -w ' %{http_code}' http://127.0.0.1:10002";
      expect((await world.run(`${curl}/`)).stdout).toBe('in 200');
      expect((await world.run(`${curl}/free -X PUT`)).stdout).toBe('free 200');
      expect((await world.run(`${curl}/ -X PUT`)).stdout).toBe('tunl: RBAC: access denied\n 403');
    });
  });

  describe('docs/chains.md, what the stage answers itself', () => {
    const page = 'docs/chains.md';

    test('answers are changed', async () => {
      write('shop.yaml', findBlock('answers', page));
      await world.begin('exec tunl chain -c shop.yaml', /10003/);
      const curl = "curl -s -w ' %{http_code} %{content_type} %header{retry-after}' http://127.0.0.1:10003";
      const soon = '{"code":503,"text":"We are back soon"}\n 503 application/json 60';
      expect((await world.run(`${curl}/shop`)).stdout).toBe(soon);
      expect((await world.run(`${curl}/a`)).stdout).toBe('<h1>/a is gone</h1> 404 text/html ');
      expect((await world.run(`${curl}/`)).stdout).toBe('{"code":200,"text":"welcome"}\n 200 application/json ');
    });
  });

  describe('docs/envoy.md', () => {
    const page = 'docs/envoy.md';

    test('an exported file runs', async () => {
      await world.begin('exec tunl serve edge.internal:8080 --open --allow db.internal:5432', /serving/);
      expect(await world.run(findBlock('export', page))).toMatchObject({ code: 0, stderr: '' });
      if (hasEnvoy) expect(await checkEnvoy(join(world.home, 'envoy.yaml'))).toMatchObject({ code: 0 });
      await world.begin(`set -e\n${findBlock('run', page)}`, /^tunl: forwarding 127\.0\.0\.1:10000/m);
      expect(await world.talk(10_000)).toBe('database\n');
    });
  });

  describe('docs/admin.md', () => {
    const page = 'docs/admin.md';

    test('the admin address says what runs', async () => {
      await world.begin(`exec ${findBlock('admin', page)}`, /^tunl: admin 127\.0\.0\.1:9901$/m);
      const asking = world.launch('exec tunl connect -x http://127.0.0.1:3128 db.internal:5432; sleep 60');
      onTestFinished(async () => void (await asking.stop()));
      const { stdout, stderr } = await world.run(findBlock('ask', page).replaceAll('curl', 'curl -sS'));
      expect([stdout, stderr]).toEqual([expect.stringMatching(/^LIVE\n/), '']);
      const { stdout: events } = await world.run(findBlock('follow', page).replaceAll('curl', 'curl -sS'));
      expect(events).toMatch(/^event: state\ndata: \{"version":"tunl\//);
      // Each path of the page is one of /help, and each form of a request works.
      const { stdout: help } = await world.run('curl -s http://127.0.0.1:9901/help');
      const text = readFileSync(join(root, page), 'utf8');
      const paths = [...text.matchAll(/`(?:POST |DELETE )?(\/[\w/]+)`/g)].map(([, path]) => path);
      expect(paths.length).toBeGreaterThan(8);
      for (const path of paths) expect(help).toContain(`${path}`);
    });
  });
});
