import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { computeDigest, hashValues } from '../../../src/auth/digest/digest.ts';
import { formatDigest } from '../../../src/auth/digest/fields.ts';
import { parseChallenges } from '../../../src/auth/model/challenge.ts';
import { Secret } from '../../../src/core/secret.ts';
import { resetError } from '../../../src/core/link.ts';
import { eventually } from '../../support/eventually.ts';
import { startChain } from '../../support/harness/chain.ts';
import { makeHop, makeRoute, startTestServe } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { startProxyBed } from '../../support/harness/proxy-bed.ts';
import { httpStage, on, answer } from '../../support/graphs/http-stages.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const password = 'hunter2-0815';
const key = (user: string, hash: 'MD5' | 'SHA-256') => hashValues(hash, user, 'corp', password);

/** Writes a user file for alice with these kinds of hashes. */
function writeUsers(...hashes: ('MD5' | 'SHA-256')[]): string {
  const file = join(makeTempFolder(), 'users');
  writeFileSync(file, hashes.map((hash) => `alice:corp:${key('alice', hash)}\n`).join(''));
  return file;
}

/** A client that computes digests itself. */
interface Guess {
  readonly method?: string;
  readonly user?: string;
  readonly secret?: string;
  readonly nc?: string;
}

function writeDigest(
  challenge: string,
  target: string,
  { method = 'CONNECT', user = 'alice', secret = password, nc = '00000001' }: Guess = {},
) {
  const [offer] = parseChallenges([challenge]);
  const nonce = offer?.params.get('nonce') ?? '';
  const algorithm = { hash: 'MD5', isSession: false } as const;
  const terms = { algorithm, method, uri: target, nonce, cnonce: 'abc', nc, qop: 'auth' } as const;
  const response = computeDigest({ ...terms, key: hashValues('MD5', user, 'corp', secret) });
  return formatDigest({ username: user, realm: 'corp', nonce, uri: target, response, cnonce: 'abc', qop: 'auth', nc });
}

const statusOf = (head: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
const challengesOf = (head: string) =>
  [...head.matchAll(/^(?:Proxy|WWW)-Authenticate: (.*?)\r$/gim)].map(([, value]) => value ?? '');

describe('serve with lines of htdigest', () => {
  const startBed = async (...hashes: ('MD5' | 'SHA-256')[]) =>
    startProxyBed({
      users: { authFile: writeUsers(...hashes) },
      controlFields: `Proxy-Authorization: Basic ${Buffer.from(`alice:${password}`).toString('base64')}\r\n`,
    });

  test('asks for Digest and Basic', async () => {
    const bed = await startBed('MD5', 'SHA-256');
    const { status, head } = await bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(status).toBe(407);
    expect(challengesOf(head).map((value) => value.replace(/nonce="[^"]*"/, 'nonce'))).toEqual([
      'Digest realm="corp", nonce, qop="auth", algorithm=SHA-256, charset=UTF-8',
      'Digest realm="corp", nonce, qop="auth", algorithm=MD5, charset=UTF-8',
      'Basic realm="tunl", charset="UTF-8"',
    ]);
    await bed.expectUnharmed();
  });

  test('takes a digest once, and then says that it is stale', async () => {
    const bed = await startBed('MD5');
    const ask = (field: string) => bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    const [challenge = ''] = challengesOf((await ask('')).head);
    const field = `Proxy-Authorization: ${writeDigest(challenge, bed.authority)}\r\n`;
    const client = await bed.connect();
    client.send(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${field}\r\npayload`);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
    client.fin();
    expect((await client.readToEnd()).toString()).toBe('payload');
    const again = await ask(field);
    expect(challengesOf(again.head)[0]).toMatch(/, stale=true$/);
    expect(bed.serve.eventsOf('tunnel.failed').at(-1)).toMatchObject({ user: 'alice', status: 407 });
    expect(bed.serve.eventsOf('tunnel.opened').at(-1)).toMatchObject({ user: 'alice' });
  });

  test('gives the same bytes for a wrong password and an unknown user, but for the nonce', async () => {
    const bed = await startBed('MD5');
    const ask = (field: string) => bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    const [challenge = ''] = challengesOf((await ask('')).head);
    const answers = await Promise.all(
      [{ secret: 'wrong' }, { user: 'eve' }, { user: '' }].map((guess) =>
        ask(`Proxy-Authorization: ${writeDigest(challenge, bed.authority, guess)}\r\n`),
      ),
    );
    const plain = [...answers, await ask('')].map((each) =>
      JSON.stringify(each).replaceAll(/nonce=\\"[\w-]{43}\\"/g, 'nonce'),
    );
    expect(new Set(plain).size).toBe(1);
    expect(plain[0]).toContain('nonce');
    expect(JSON.stringify(bed.serve.events)).not.toContain(password);
    await bed.expectUnharmed();
  });

  test('refuses two schemes that were joined into one field', async () => {
    const bed = await startBed('MD5');
    const value = `${writeDigest('Digest nonce="x"', bed.authority)}, Basic YTpi`;
    const { status } = await bed.ask(
      `CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${value}\r\n\r\n`,
    );
    expect(status).toBe(407);
    await bed.expectUnharmed();
  });
});

describe.each(['http', 'h2c'])('our own client over %s', (scheme) => {
  const credentials = { user: 'alice', password: new Secret(password) };
  const digest = { auth: 'digest' };

  async function open(secret = credentials.password) {
    const serve = await startTestServe({ users: { authFile: writeUsers('MD5', 'SHA-256') } });
    const hop = makeHop(scheme, serve.port, { credentials: { ...credentials, password: secret }, settings: digest });
    const [route, target] = [await makeRoute([hop]), await startTarget(echo)];
    const dial = async () => {
      const link = await route.dial(target.address, makeContext(target.address));
      link.reset(resetError('it has been opened'));
    };
    return { serve, dial };
  }

  test('is asked once for many tunnels in a row', async () => {
    const { serve, dial } = await open();
    for (let time = 0; time < 50; time++) await dial();
    expect(serve.eventsOf('tunnel.failed')).toHaveLength(1);
    await eventually(() => serve.eventsOf('tunnel.opened').length, 50);
  });

  test('opens many tunnels at once', async () => {
    const { serve, dial } = await open();
    await dial();
    await Promise.all(Array.from({ length: 100 }, dial));
    expect(serve.eventsOf('tunnel.failed')).toHaveLength(1);
    await eventually(() => serve.eventsOf('tunnel.opened').length, 101);
  });

  test('opens many tunnels at once before it knows the proxy', async () => {
    const { serve, dial } = await open();
    await Promise.all(Array.from({ length: 20 }, dial));
    await eventually(() => serve.eventsOf('tunnel.opened').length, 20);
    expect(serve.eventsOf('tunnel.failed').length).toBeLessThanOrEqual(20);
  });

  test('tries a wrong password once', async () => {
    const { serve, dial } = await open(new Secret('wrong-4711'));
    const error: unknown = await dial().catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code: 'auth_required', facts: { received: 407 } });
    expect(serve.eventsOf('tunnel.failed').map(({ error: { message } }) => message)).toEqual([
      'credentials are required',
      'wrong password, or there is no such user',
    ]);
  });
});

test('a stage that routes requests asks with 401, and takes each count once', async () => {
  const chain = await startChain([
    httpStage('front', [on('/', answer('hello'))], [], { users: { authFile: writeUsers('MD5') } }),
  ]);
  const client = await connectPeer(chain.port);
  const get = async (peer: RawPeer, fields = '') => {
    peer.send(`GET /a?b HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`);
    const head = await peer.readHead();
    await peer.read(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0));
    return head;
  };
  const first = await get(client);
  expect(statusOf(first)).toBe(401);
  const [challenge = ''] = challengesOf(first);
  const field = (nc: string) => `Authorization: ${writeDigest(challenge, '/a?b', { method: 'GET', nc })}\r\n`;
  const statuses: number[] = [];
  for (const nc of ['00000001', '00000003', '00000002', '00000002'])
    statuses.push(statusOf(await get(client, field(nc))));
  expect(statuses).toEqual([200, 200, 200, 401]);
  client.fin();
});
