import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashValues } from '../../src/auth/digest/digest.ts';
import { originAuth } from '../../src/auth/model/fields.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { Secret } from '../../src/core/secret.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { alice } from '../support/peers/asking-proxy.ts';
import { startAskingServer } from '../support/peers/asking-server.ts';
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
  const start = () =>
    startAskingServer({
      asks: originAuth,
      scheme: 'NTLM',
      answer: (request, reply) => {
        reply.writeHead(200).flushHeaders();
        request.pipe(reply);
      },
    });

  test('for NTLM is answered on one connection', async () => {
    const { port, seen } = await start();
    expect(await pass(toHop('post+http', port, 'ntlm'))).toEqual(['hello']);
    expect(seen).toEqual(['1 POST / none', '1 POST / NTLM', '1 POST / NTLM']);
  });

  test('is told a wrong password once', async () => {
    const { port, seen } = await start();
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
