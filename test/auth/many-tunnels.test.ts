import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashValues } from '../../src/auth/digest/digest.ts';
import type { Hop } from '../../src/core/hop.ts';
import { resetError } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { amount } from '../support/amounts.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { alice, type Manner, startAskingProxy } from '../support/peers/asking-proxy.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';

const user = 'CORP\\alice';

/** A proxy, and the number of times that it has asked who we are. */
interface Asking {
  readonly port: number;
  readonly asked: () => number;
}

async function startScripted(manner: Manner): Promise<Asking> {
  const { port, requests } = await startAskingProxy(manner);
  const given = (head: string) => /^proxy-authorization: *(.*?)\r$/im.exec(head)?.[1];
  // The first message of NTLM is answered with a challenge too.
  const isAsked = (head: string) => [undefined, 'NTLM TlRMTVNTUAABAAAA'].includes(given(head)?.slice(0, 21));
  return { port, asked: () => requests.filter(({ head }) => isAsked(head)).length };
}

async function startDigest(): Promise<Asking> {
  const authFile = join(makeTempFolder(), 'users');
  writeFileSync(authFile, `${user}:corp:${hashValues('SHA-256', user, 'corp', alice.password)}\n`);
  const { port, eventsOf } = await startTestServe({ users: { authFile } });
  return { port, asked: () => eventsOf('tunnel.failed').filter(({ status }) => status === 407).length };
}

function writeToken(): string {
  const file = join(makeTempFolder(), 'token');
  writeFileSync(file, 'token-4711\n');
  return file;
}

const password = () => ({ credentials: { user, password: new Secret(alice.password) }, settings: { auth: 'auto' } });
const token = () => ({ settings: { auth: 'bearer,basic', 'token-file': writeToken() } });

/** The schemes, with the number of times that each tunnel must be asked. */
const schemes: readonly (readonly [string, () => Promise<Asking>, () => Partial<Hop>, number])[] = [
  ['Basic', () => startScripted({ challenges: ['Basic realm="corp"'] }), password, 0],
  ['Digest', startDigest, password, 0],
  ['NTLM', () => startScripted({ challenges: ['NTLM'] }), password, 1],
  ['Bearer', () => startScripted({ challenges: ['Bearer realm="corp"'], token: 'token-4711' }), token, 0],
];

describe.each(schemes)('through a proxy that wants %s', (_, start, more, forEach) => {
  async function startRoute() {
    const [proxy, { address }] = [await start(), await startTarget(echo)];
    const hop = makeHop('http', proxy.port, more());
    const route = await makeRoute([hop]);
    const visit = async () => {
      const link = await route.dial(address, makeContext(address));
      link.reset(resetError('it has been opened'));
    };
    return { visit, asked: proxy.asked };
  }

  const count = amount(100, 1000);

  test(`${count} tunnels in a row cost no 407 too many`, async () => {
    const { visit, asked } = await startRoute();
    for (let round = 0; round < count; round++) await visit();
    expect(asked()).toBe(1 + forEach * count);
  });

  test('100 tunnels at once cost no 407 too many, though nothing is known yet', async () => {
    const { visit, asked } = await startRoute();
    await Promise.all(Array.from({ length: 100 }, visit));
    expect(asked()).toBe(1 + forEach * 100);
  });
});
