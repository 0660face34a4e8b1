import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashValues } from '../../src/auth/digest/digest.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { Secret } from '../../src/core/secret.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { alice } from '../support/peers/asking-proxy.ts';
import { checkAuthenticate, formatChallenge } from '../support/peers/ntlm-server.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';

/** Opens a tunnel to a target that echoes, and sends some bytes there and back. */
async function pass(hop: Hop, times = 1): Promise<string[]> {
  const { address } = await startTarget(echo);
  const route = await makeRoute([hop]);
  const answers: string[] = [];
  for (let time = 0; time < times; time++) {
    const client = new RawPeer(await route.dial(address, makeContext(address)));
    client.send('hello');
    client.fin();
    answers.push((await client.readToEnd()).toString());
  }
  return answers;
}

async function fail(hop: Hop): Promise<TunlError> {
  const error: unknown = await pass(hop).catch((failure: unknown) => failure);
  if (!(error instanceof TunlError)) throw new Error('a tunnel was opened');
  return error;
}

const toHop = (scheme: string, port: number, auth: string, password: string = alice.password) =>
  makeHop(scheme, port, {
    credentials: { user: 'CORP\\alice', password: new Secret(password) },
    settings: { auth },
  });

describe('a web server that asks with 401', () => {
  /** Starts a server that wants NTLM, and sends the body of a POST back to whoever has proved who they are. */
  async function startNtlmServer() {
    const seen: string[] = [];
    const messages = new WeakMap<IncomingMessage['socket'], Buffer[]>();
    const server = createServer((request, reply) => {
      const [scheme = '', token = ''] = (request.headers.authorization ?? 'none').split(' ');
      const sent = [...(messages.get(request.socket) ?? []), Buffer.from(token, 'base64')];
      seen.push(`${request.url} ${scheme}`);
      const [first, challenge, last] = sent;
      if (first && challenge && last && checkAuthenticate([first, challenge, last], alice) === undefined) {
        reply.writeHead(200).flushHeaders();
        request.pipe(reply);
        return;
      }
      const answer = formatChallenge();
      messages.set(request.socket, scheme === 'NTLM' ? [...sent, answer] : []);
      const more = scheme === 'NTLM' ? ` ${answer.toString('base64')}` : '';
      // The connection goes on once the body of the request has ended.
      request.resume();
      reply.writeHead(401, { 'WWW-Authenticate': `NTLM${more}`, 'Content-Length': 2 }).end('no');
    });
    let connections = 0;
    server.on('connection', () => connections++);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return { port: (server.address() as AddressInfo).port, seen, connections: () => connections };
  }

  test('for NTLM is answered on one connection', async () => {
    const { port, seen, connections } = await startNtlmServer();
    expect(await pass(toHop('post+http', port, 'ntlm'))).toEqual(['hello']);
    expect(seen).toEqual(['/ none', '/ NTLM', '/ NTLM']);
    expect(connections()).toBe(1);
  });

  test('is told a wrong password once', async () => {
    const { port, seen } = await startNtlmServer();
    const hop = toHop('post+http', port, 'ntlm', 'hunter2-0815');
    const errors = [await fail(hop), await fail(hop)];
    expect(errors.map(({ code, facts }) => [code, facts.received])).toEqual([
      ['auth_required', 401],
      ['auth_required', 401],
    ]);
    expect(errors[0]?.facts.hints?.join('\n')).toMatch(/offers NTLM .*\n.*does not accept the user and the password/);
    expect(seen).toHaveLength(3);
  });
});

describe.each(['post+http', 'post+h2c'])('serve with Digest over %s', (scheme) => {
  async function startDigestServe() {
    const authFile = join(makeTempFolder(), 'users');
    const user = 'CORP\\alice';
    writeFileSync(authFile, `${user}:corp:${hashValues('SHA-256', user, 'corp', alice.password)}\n`);
    return startTestServe({ users: { authFile }, accept: ['post'] });
  }

  test('is answered for its path, and later without being asked', async () => {
    const app = await startDigestServe();
    const hop = toHop(scheme, app.port, 'digest');
    const [first, ...others] = await pass({ ...hop, settings: { ...hop.settings, path: '/tunnels' } }, 3);
    expect([first, ...others]).toEqual(['hello', 'hello', 'hello']);
    expect(app.eventsOf('tunnel.failed').map(({ status }) => status)).toEqual([401]);
    expect(app.eventsOf('tunnel.opened').map(({ user }) => user)).toEqual(Array(3).fill('CORP\\alice'));
  });
});
