import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { type Realm, startRealm } from './parts/kerberos.ts';
import { squidDomain, startDigestSquid, startGuardedSquid, startKerberosSquid, startNtlmSquid } from './parts/squid.ts';
import { countAsking } from './support/counted.ts';
import { copyProgram, hasKoffi } from './support/koffi.ts';
import type { Part } from './support/part.ts';
import { startTunl } from './support/tunl.ts';

const login = { user: 'alice', password: 'wonder-4711' } as const;

let realm: Realm;
let ticket: Readonly<Record<string, string>>;
beforeAll(async () => {
  realm = await startRealm();
  ticket = await realm.logOn();
  return () => realm.stop();
});

/** A scheme, and what a forward needs for it. */
interface Asking {
  readonly name: string;
  readonly startSquid: () => Promise<Part>;
  readonly toHop: (port: number) => string;
  /** The number of times that each tunnel must be asked: a handshake of NTLM has a challenge. */
  readonly forEach: number;
  /** The number of tunnels in a row. */
  readonly count: number;
  readonly env?: () => Readonly<Record<string, string>>;
  /** Returns the path of the program, if it is not the built one. */
  readonly program?: () => string;
}

const byPassword = (name: string, user: string, forEach: number, startSquid: Asking['startSquid']): Asking => ({
  name,
  startSquid,
  toHop: (port) => `http://${user}:${login.password}@127.0.0.1:${port}?auth=auto`,
  forEach,
  count: amount(100, 1000),
});

const byTicket = (source: string, withKoffi: boolean, usual: number): Asking => ({
  name: `Negotiate, by ${source}`,
  startSquid: () => startKerberosSquid(realm),
  toHop: (port) => `http://localhost:${port}`,
  forEach: 0,
  count: amount(usual, 1000),
  env: () => ticket,
  program: () => copyProgram(withKoffi),
});

if (!hasKoffi) console.warn('koffi is not installed: its tests are not run');

const schemes: readonly Asking[] = [
  byPassword('Basic', login.user, 0, () => startGuardedSquid(login)),
  byPassword('Digest', login.user, 0, () => startDigestSquid(login)),
  byPassword('NTLM', `${squidDomain}%5C${login.user}`, 1, () => startNtlmSquid(login)),
  ...(hasKoffi ? [byTicket('koffi', true, 100)] : []),
  // A process for each token.
  byTicket('curl', false, 20),
];

/** Long enough for a thousand processes, one after the other. */
const limitMs = amount(120_000, 600_000);

describe.each(schemes)('through squid with $name', ({ startSquid, toHop, forEach, count, env, program }) => {
  /** Starts squid behind a proxy of bytes that counts its 407s, and a forward through both to a target that echoes. */
  async function start() {
    const [squid, target] = await Promise.all([startSquid(), startTarget(echo)]);
    onTestFinished(squid.stop);
    const { port, asked } = await countAsking(squid);
    const hop = toHop(port);
    const args = ['forward', '--grace', '0s', '-x', hop, `:127.0.0.1:${target.port}`];
    const forward = await startTunl(args, env?.(), program?.());
    onTestFinished(forward.stop);
    const visit = async (word: string) => {
      const client = await connectPeer(forward.port);
      client.send(`${word};`);
      const answer = await client.readUntil(';');
      client.reset();
      return answer === `${word};`;
    };
    return { visit, log: forward.log, asked };
  }

  test(`${count} tunnels in a row cost no 407 too many`, { timeout: limitMs }, async () => {
    const { visit, log, asked } = await start();
    for (let round = 0; round < count; round++) expect(await visit(`round ${round}`), log()).toBe(true);
    expect(asked()).toBe(1 + forEach * count);
  });

  test('100 tunnels at once cost no 407 too many', async () => {
    const { visit, log, asked } = await start();
    expect(await visit('first'), log()).toBe(true);
    const answers = await Promise.all(Array.from({ length: 100 }, (__, index) => visit(`client ${index}`)));
    expect(answers, log()).toEqual(answers.map(() => true));
    expect(asked()).toBe(1 + forEach * 101);
  });
});
