import { afterAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { eventually } from '../../support/eventually.ts';
import { makeHop, startTestServe } from '../../support/harness/app.ts';
import { linesOf, startPlainBed, writeHead } from '../../support/harness/plain-bed.ts';
import { startAskingProxy, alice } from '../../support/peers/asking-proxy.ts';
import { answerPaths, startTarget } from '../../support/targets/plain.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

const credentials = { user: 'alice', password: new Secret('right') };

test('a last hop of http:// is asked in absolute form, with its own password and the fields for it', async () => {
  const proxy = await startTarget();
  const headers = [
    ['X-For-Proxy', '1'],
    ['Host', 'never.test'],
  ] as const;
  const bed = await startPlainBed({ hops: [makeHop('http', proxy.port, { credentials, headers })] });
  const client = await bed.connect();
  client.send(
    writeHead('GET http://name.only.proxy.test:8080/a?b', 'Proxy-Authorization: Basic bWluZQ==', 'X-For-Proxy: 2'),
  );
  const asked = await proxy.accept();
  expect(linesOf(await asked.readHead())).toEqual([
    'GET http://name.only.proxy.test:8080/a?b HTTP/1.1',
    'host: name.only.proxy.test:8080',
    'via: 1.1 US',
    `Proxy-Authorization: Basic ${btoa('alice:right')}`,
    'X-For-Proxy: 1',
  ]);
  asked.send('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
  expect(await client.readUntil('no')).toMatch(/^HTTP\/1\.1 404 /);
  client.send(writeHead('OPTIONS http://name.only.proxy.test:8080'));
  expect((await asked.readHead()).split('\r\n')[0]).toBe('OPTIONS http://name.only.proxy.test:8080 HTTP/1.1');
  expect(proxy.accepted).toBe(1);
  const via = [`http://127.0.0.1:${proxy.port}`];
  await eventually(() => bed.serve.eventsOf('tunnel.closed'), [expect.objectContaining({ via, status: 404 })]);
});

test('a last hop of https:// is asked in TLS, in HTTP/1.1', async () => {
  const far = await startTestServe({ accept: ['plain'], tls: certs.server });
  const bed = await startPlainBed(
    { hops: [makeHop('https', far.port, { tls: { cacert: certs.ca.cert, servername: 'localhost' } })] },
    answerPaths,
  );
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/through`));
  expect(await client.readUntil('/through')).toMatch(/^HTTP\/1\.1 200 [^]*via: 1\.1 tunl-\w+\r\nvia: 1\.1 tunl-/);
  await eventually(() => far.eventsOf('tunnel.closed').map(({ target }) => target), [`GET ${bed.origin}/through`]);
});

test.each(['h2c', 'post+http'])('through a last hop of %s:// there is a tunnel', async (scheme) => {
  const far = await startTestServe({ accept: ['plain', 'post'] });
  const bed = await startPlainBed({ hops: [makeHop(scheme, far.port)] }, answerPaths);
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/x`));
  await client.readUntil('/x');
  client.reset();
  await eventually(() => far.eventsOf('tunnel.closed').map(({ target }) => target), [`127.0.0.1:${bed.target.port}`]);
});

test('through a hop that is not the last there is a tunnel to the last, which is asked', async () => {
  const [near, far] = [await startTestServe(), await startTestServe({ accept: ['plain'] })];
  const bed = await startPlainBed({ hops: [makeHop('http', near.port), makeHop('http', far.port)] }, answerPaths);
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/x`));
  await client.readUntil('/x');
  client.reset();
  await eventually(() => near.eventsOf('tunnel.closed').map(({ target }) => target), [`127.0.0.1:${far.port}`]);
  expect(far.eventsOf('tunnel.closed').map(({ target }) => target)).toEqual([`GET ${bed.origin}/x`]);
});

describe('a hop that asks who we are', () => {
  test('is answered by the scheme that it wants, and our client notices nothing', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM'], status: '200 OK' });
    const { user, domain, password } = alice;
    const own = { user: `${domain}\\${user}`, password: new Secret(password) };
    const bed = await startPlainBed({ hops: [makeHop('http', proxy.port, { credentials: own })] });
    const client = await bed.connect();
    client.send(writeHead('GET http://a.test/'));
    const head = await client.readHead();
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head.toLowerCase()).not.toContain('proxy-auth');
    expect(proxy.refused).toBe(0);
  });

  test('and is not satisfied is 502, and its challenge stays here', async () => {
    const proxy = await startTarget((socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'),
      ),
    );
    const bed = await startPlainBed({ hops: [makeHop('http', proxy.port)] });
    const client = await bed.connect();
    client.send(writeHead('GET http://a.test/'));
    const head = await client.readHead();
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
    expect(head).not.toContain('Proxy-Authenticate');
    expect(bed.serve.eventsOf('tunnel.failed')).toMatchObject([{ error: { code: 'auth_required', side: 'hop' } }]);
  });
});

test('rules are asked for every request through a hop, by the text of its target', async () => {
  const proxy = await startTarget(answerPaths);
  const bed = await startPlainBed({ hops: [makeHop('http', proxy.port)], allow: ['*.good.test:80'] });
  const client = await bed.connect();
  client.send(writeHead('GET http://a.good.test/'));
  await client.readUntil('http://a.good.test/');
  client.send(writeHead('GET http://bad.test/'));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 [^]*error=http_request_denied/);
  expect(proxy.accepted).toBe(1);
});

test('a hop that leads back to us is found', async () => {
  const far = await startTestServe({ accept: ['plain'] });
  const bed = await startPlainBed({ hops: [makeHop('http', far.port)] });
  const client = await bed.connect();
  client.send(writeHead(`GET http://127.0.0.1:${far.port}/`));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 502 /);
  await eventually(() => far.eventsOf('tunnel.failed').map(({ error }) => error.code), ['proxy_loop_detected']);
});
