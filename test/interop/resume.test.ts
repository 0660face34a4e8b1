import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Passage, startMiddlebox } from '../support/peers/middlebox.ts';
import { startSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { type Network, startIn } from './support/part.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { launch, type Running } from './support/process.ts';
import { formatSshOptions, ssh, type SshRoute } from './support/ssh.ts';
import {
  formatProxyCommand,
  formatTunlProxyCommand,
  makeTunlCommand,
  startTunl,
  startTunlServe,
  type TunlPart,
} from './support/tunl.ts';
import { openTwoNetworks } from './support/two-networks.ts';
import { hasWorld } from './support/world.ts';

let sshd: Sshd;
let far: TunlPart;

beforeAll(async () => {
  [sshd, far] = await Promise.all([startSshd(), startFar()]);
  return async () => {
    await Promise.all([sshd.stop(), far.stop()]);
  };
});

const asItIs: Network['enter'] = (command) => command;
const startFar = () => startTunlServe(['--resume', '10m', '-v']);
const hopAt = (port: number, scheme = 'http') => `${scheme}://127.0.0.1:${port}?resume=10m`;

/** Opens a session of ssh that gives back what it is told. */
function openSession(route: SshRoute, server = sshd, { enter = asItIs }: Partial<Network> = {}): Running {
  const port = String(route.port ?? server.port);
  const args = ['-p', port, ...formatSshOptions(server, route), `${server.user}@127.0.0.1`, 'cat'];
  const session = launch(enter({ file: 'ssh', args }));
  onTestFinished(() => void session.stop());
  return session;
}

/** Sends a word, and waits until it has come back. */
async function say(session: Running, word: string): Promise<void> {
  session.child.stdin?.write(`${word}\n`);
  await session.waitFor(word, () => session.stdout().includes(`${word}\n`) || undefined);
}

async function endSession(session: Running, words: readonly string[]): Promise<void> {
  session.child.stdin?.end();
  expect(await session.ended).toEqual({ code: 0, signal: null });
  expect(session.stdout().toString()).toBe(words.map((word) => `${word}\n`).join(''));
}

test.each(['http', 'h2c'])('a session of ssh lives on while squid is restarted, over %s', async (scheme) => {
  let squid = await startSquid();
  onTestFinished(() => squid.stop());
  const hop = `http://127.0.0.1:${squid.port}`;
  const session = openSession({ proxyCommand: formatTunlProxyCommand([hop, hopAt(far.port, scheme)]) });
  await say(session, 'before');
  await squid.stop();
  // Written while there is no proxy.
  session.child.stdin?.write('between\n');
  squid = await startSquid({ port: squid.port });
  await say(session, 'after');
  await endSession(session, ['before', 'between', 'after']);
});

const cutMs = amount(1500, 60_000);

test(
  'a session of ssh lives on where no connection lives longer than some seconds',
  { timeout: 60_000 + 4 * cutMs },
  async () => {
    let cuts = 0;
    const onTimer = () => {
      cuts++;
      box.cut();
    };
    const passForSomeTime = (): Passage => {
      const timer = setTimeout(onTimer, cutMs);
      onTestFinished(() => clearTimeout(timer));
      return (chunk, send) => send(chunk);
    };
    const box = await startMiddlebox(far.port, { toServer: passForSomeTime });
    const session = openSession({ proxyCommand: formatTunlProxyCommand([hopAt(box.port)]) });
    const words: string[] = [];
    while (cuts < 3) {
      words.push(`after ${cuts} cuts, word ${words.length}`);
      await say(session, words.at(-1) ?? '');
      // A person who types.
      await delay(cutMs / 10);
    }
    await endSession(session, words);
  },
);

test.skipIf(!hasWorld)(
  'a session of ssh lives on when the network goes and comes back with another address',
  async () => {
    const { near, far: there, farAddress, unplug, plugIn, stop } = await openTwoNetworks();
    onTestFinished(stop);
    const server = await startIn(there, startSshd);
    onTestFinished(() => server.stop());
    const allowed = ['--open', '--allow', `127.0.0.1:${server.port}`];
    const serve = launch(there.enter(makeTunlCommand(['serve', `${farAddress}:0`, '--resume', '10m', ...allowed])));
    onTestFinished(() => void serve.stop());
    const port = await serve.waitFor('its port', () => /serving \S+:(\d+)/.exec(serve.stderr())?.[1]);
    const { file, args } = makeTunlCommand(['connect', '-v', '-x', `http://${farAddress}:${port}?resume=10m`]);
    const session = openSession({ proxyCommand: `${formatProxyCommand([file, ...args])} %h:%p` }, server, near);
    await say(session, 'before');
    await unplug();
    session.child.stdin?.write('between\n');
    await plugIn();
    // Nobody tells that the old address is gone: silence does, after 15 seconds.
    await session.waitFor('loss', () => session.stderr().includes('waits for another connection') || undefined);
    await say(session, 'after');
    await endSession(session, ['before', 'between', 'after']);
    await serve.waitFor('its record', () => /resumed 1 time/.test(serve.stderr()) || undefined);
  },
);

const sleepMs = amount(0, 300_000);

test(
  'a session of ssh lives on while tunl is stopped and the network forgets its connection',
  { timeout: 60_000 + sleepMs },
  async () => {
    const own = await startFar();
    onTestFinished(() => own.stop());
    const box = await startMiddlebox(own.port);
    const forward = await startTunl(['forward', '-v', `:127.0.0.1:${sshd.port}`, '-x', hopAt(box.port)]);
    onTestFinished(() => forward.stop());
    const session = openSession({ port: forward.port });
    await say(session, 'before');
    process.kill(forward.pid, 'SIGSTOP');
    box.cut();
    session.child.stdin?.write('asleep\n');
    await own.waitForLine(/waits for another connection/);
    await delay(sleepMs);
    process.kill(forward.pid, 'SIGCONT');
    await say(session, 'awake');
    await endSession(session, ['before', 'asleep', 'awake']);
  },
);

describe('a network that cuts every connection after a few megabytes', () => {
  let payload: Payload;
  let proxyCommand: string;
  let cuts = 0;

  beforeAll(async () => {
    payload = makePayload(amount(20_000_000, 200_000_000));
    return () => payload.remove();
  });

  async function startCuttingNetwork(): Promise<void> {
    const passUntilCut = (): Passage => {
      let left = 1_000_000 + ((cuts * 700_001) % 2_000_000);
      return async (chunk, send) => {
        left -= chunk.length;
        if (left > 0) return send(chunk);
        cuts++;
        box.cut();
      };
    };
    const box = await startMiddlebox(far.port, { toServer: passUntilCut, toClient: passUntilCut });
    proxyCommand = formatTunlProxyCommand([hopAt(box.port)]);
  }

  test.each(Array.from({ length: amount(1, 10) }, (_, round) => round + 1))(
    'loses and doubles nothing in either direction (round %i)',
    { timeout: 300_000 },
    async () => {
      await startCuttingNetwork();
      const before = cuts;
      const output = makeDigester();
      const down = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output, limitMs: 280_000 });
      expect(down).toMatchObject({ code: 0, stderr: '' });
      expect(output.read().toString('hex')).toBe(payload.sha256);
      const input = openSync(payload.file, 'r');
      const options = { input, limitMs: 280_000 };
      const up = await ssh(sshd, { proxyCommand }, 'sha256sum', options).finally(() => closeSync(input));
      expect(up).toMatchObject({ code: 0, stdout: `${payload.sha256}  -\n`, stderr: '' });
      expect(cuts - before).toBeGreaterThan(payload.bytes / 4_000_000);
    },
  );
});
