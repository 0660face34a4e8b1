import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { proxyAuth } from '../../../src/auth/model/fields.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Call } from '../../../src/http/call.ts';
import { Http1Client } from '../../../src/http/h1/client.ts';
import { upstreamPeer } from '../../../src/http/h1/upstream.ts';
import { LoginClient, type AskedConnection } from '../../../src/http/requests/login-client.ts';
import { makeHop } from '../../support/harness/app.ts';
import { direct, makeContext } from '../../support/harness/link-pairs.ts';
import { alice } from '../../support/peers/asking-proxy.ts';
import { type AskingTerms, startAskingServer } from '../../support/peers/asking-server.ts';

const target = { kind: 'tcp', host: 'shop.test', port: 80 } as const;
const url = 'http://shop.test/basket';
const never = new AbortController().signal;

/** Starts a proxy that answers with the number of bytes that it was sent, and a client of it. */
async function start(terms: Pick<AskingTerms, 'scheme' | 'closes'>, more: Partial<Hop> | 'nobody' = {}) {
  const server = await startAskingServer({
    asks: proxyAuth,
    ...terms,
    answer: (request, reply) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => reply.end(`${request.method} ${bytes}`));
    },
  });
  const user = terms.scheme === 'NTLM' ? 'CORP\\alice' : alice.user;
  const known = { credentials: { user, password: new Secret(alice.password) }, settings: { auth: 'auto' } };
  const hop = makeHop('http', server.port, more === 'nobody' ? {} : { ...known, ...more });
  const connect = async (): Promise<AskedConnection> => {
    const link = await direct(hop.address, makeContext(hop.address));
    return new Http1Client(link, upstreamPeer('proxy'));
  };
  const client = new LoginClient(await connect(), {
    hop,
    position: { index: 1, count: 1 },
    asks: proxyAuth,
    target,
    connect,
  });
  onTestFinished(() => void client.close('now'));
  const ask = async (call: Partial<Call> = {}) => {
    const reply = await client.call(
      { method: 'GET', target: url, authority: 'shop.test', scheme: 'http', headers: [], ...call },
      never,
    );
    return `${reply.status} ${(await reply.body.toArray()).join('')}`;
  };
  return { client, ask, seen: server.seen };
}

/** A POST whose body has so many bytes. Its length is told in advance, or not. */
function post(bytes: number, isTold = true): Partial<Call> {
  const chunks = Array.from({ length: Math.ceil(bytes / 1000) }, (_, at) =>
    Buffer.alloc(Math.min(1000, bytes - at * 1000)),
  );
  const body = { source: Readable.from(chunks), bytes: isTold ? bytes : undefined, trailers: () => [], isTaken: false };
  return { method: 'POST', body, headers: isTold ? [['content-length', String(bytes)]] : [] };
}

test('a proxy that wants NTLM is answered once for each connection', async () => {
  const { ask, seen, client } = await start({ scheme: 'NTLM' });
  expect([await ask(), await ask()]).toEqual(['200 GET 0', '200 GET 0']);
  expect(seen).toEqual([`1 GET ${url} none`, `1 GET ${url} NTLM`, `1 GET ${url} NTLM`, `1 GET ${url} none`]);
  expect([client.usable, client.load]).toEqual([true, 0]);
});

test('a proxy that closes after its first question is asked on another connection', async () => {
  const { ask, seen, client } = await start({ scheme: 'NTLM', closes: true });
  expect(await ask()).toBe('200 GET 0');
  expect(seen).toEqual([`1 GET ${url} none`, `2 GET ${url} NTLM`, `2 GET ${url} NTLM`]);
  expect(client.usable).toBe(true);
});

test('a proxy that wants Basic is told it with each request once it has asked', async () => {
  const { ask, seen } = await start({ scheme: 'Basic' });
  expect([await ask(), await ask()]).toEqual(['200 GET 0', '200 GET 0']);
  expect(seen).toEqual([`1 GET ${url} none`, `1 GET ${url} Basic`, `1 GET ${url} Basic`]);
});

test('a short body is sent again', async () => {
  const { ask, seen } = await start({ scheme: 'NTLM' });
  expect(await ask(post(50_000))).toBe('200 POST 50000');
  expect(seen.map((line) => line.split(' ').at(-1))).toEqual(['none', 'NTLM', 'NTLM']);
});

test.each([true, false])('a long body follows a request without one (length told: %s)', async (isTold) => {
  const { ask, seen } = await start({ scheme: 'NTLM' });
  expect(await ask(post(300_000, isTold))).toBe('200 POST 300000');
  expect(await ask(post(300_000, isTold))).toBe('200 POST 300000');
  expect(seen).toEqual([
    ...['none', 'NTLM', 'NTLM'].map((scheme) => `1 HEAD ${url} ${scheme}`),
    ...['none', 'none'].map((scheme) => `1 POST ${url} ${scheme}`),
  ]);
});

test('a long body that nobody expected to be asked about fails', async () => {
  const { ask } = await start({ scheme: 'Basic' }, 'nobody');
  const error: unknown = await ask(post(3_000_000)).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'auth_required', side: 'hop', facts: { received: 407 } });
});

test('a wrong password is tried once', async () => {
  const credentials = { user: 'CORP\\alice', password: new Secret('hunter2-0815') };
  const { ask, seen } = await start({ scheme: 'NTLM' }, { credentials });
  const errors = [await ask().catch((error: unknown) => error), await ask().catch((error: unknown) => error)];
  for (const error of errors)
    expect(error).toMatchObject({ code: 'auth_required', side: 'hop', facts: { hop: { index: 1 } } });
  expect(errors[0] instanceof TunlError && errors[0].facts.hints?.join('\n')).toMatch(
    /does not accept the user and the password/,
  );
  expect(seen).toHaveLength(3);
});

test('a field of the user that is not accepted is a refusal, and its 407 goes no further', async () => {
  const headers = [['Proxy-Authorization', 'Basic eDp5']] as const;
  const { ask, seen } = await start({ scheme: 'Basic' }, { headers });
  const error: unknown = await ask({ headers }).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'auth_required', side: 'hop', facts: { received: 407, hop: { index: 1 } } });
  expect(error instanceof TunlError && error.facts.hints).toContain(
    'it does not accept the Proxy-Authorization header that was sent',
  );
  expect(seen).toHaveLength(1);
});
