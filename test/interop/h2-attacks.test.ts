import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectHttp2, type Http2Peer } from '../support/peers/h2-peer.ts';
import { type Behaviour, startTarget } from '../support/targets/plain.ts';
import { type Attack, attacks, fillWindows, sendData } from './support/h2-attacks.ts';
import { startTunlServe, type TunlPart } from './support/tunl.ts';
import { forgetPeak, readable, readCpuMs, readMemory, readPeakMib } from './support/usage.ts';

const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const mostWindow = 0x7fff_ffff;
const firstWindow = 65_535;

const [warmUpMs, measureMs] = [200, 500];

/** What an attack costs, in what the same number of bytes of data costs. */
interface Cost {
  readonly cpu: number;
  readonly ping: number;
}

/**
 * What it may cost. In the first rounds the code of an attack is compiled while it runs, unlike that of data, and others
 * may keep the machine busy in one round, but hardly in each.
 */
const most: Cost = { cpu: 10, ping: 3 };
const rounds = 6;

const isSmall = ({ cpu, ping }: Cost) => cpu < most.cpu && ping < most.ping;

/** What one session may make us hold, and what may be left once it is over, in MiB. */
const [sessionMib, leftMib] = [64, 4];

/** Sends without end, as fast as it is read. */
const gush: Behaviour = (socket) => {
  const chunk = Buffer.alloc(65_536);
  const fill = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', fill);
  fill();
};

/** Another session, which asks for nothing but the answers to its PINGs. */
function startPinger(port: number) {
  const pinger = fork(fileURLToPath(new URL('support/h2-pinger.mjs', import.meta.url)), [String(port)]);
  onTestFinished(() => void pinger.kill());
  return async (): Promise<number> => {
    pinger.send('median');
    const [median] = await once(pinger, 'message');
    return median as number;
  };
}

/** Starts `serve`, with a function that attacks it in one session after the other. */
async function startBed() {
  const serve = await startTunlServe([], readable);
  onTestFinished(() => serve.stop());
  const target = await startTarget((socket) => void socket.resume());
  const readPing = startPinger(serve.port);
  const measure = async (attack: Attack, ms: number) => {
    await readPing();
    const cpuBefore = readCpuMs(serve.pid);
    const start = performance.now();
    let bytes = 0;
    while (performance.now() - start < ms) {
      const peer = await connectHttp2(serve.port);
      await attack(peer, `127.0.0.1:${target.port}`);
      bytes += (peer.raw.stream as Socket).bytesWritten;
      peer.raw.reset();
    }
    return { bytes, cpu: (readCpuMs(serve.pid) - cpuBefore) / bytes, ping: await readPing() };
  };
  return { serve, measure };
}

/** All that a process holds beyond what it held before is given back within the limit of `eventually`. */
async function expectGivenBack(serve: TunlPart, heldBefore: number): Promise<void> {
  const isBack = async () => (await readMemory(serve)).held - heldBefore < leftMib;
  await eventually(isBack, true);
}

test.each(attacks)('%s: little more than the same bytes of data, and nothing is left', async (_, attack) => {
  const { serve, measure } = await startBed();
  await measure(sendData, warmUpMs);
  await measure(attack, warmUpMs);
  const before = await readMemory(serve);
  forgetPeak(serve.pid);
  const costs: Cost[] = [];
  do {
    const data = await measure(sendData, measureMs);
    const seen = await measure(attack, measureMs);
    costs.push({ cpu: seen.cpu / data.cpu, ping: seen.ping / data.ping });
  } while (costs.length < rounds && !costs.some(isSmall));
  expect(costs).toSatisfy((all: Cost[]) => all.some(isSmall));
  expect(readPeakMib(serve.pid) - before.resident).toBeLessThan(sessionMib);
  await expectGivenBack(serve, before.held);
});

/** A session whose tunnels are in the way of their own bytes. */
type Stall = (peer: Http2Peer, open: (count: number, behave: Behaviour) => Promise<number[]>) => Promise<void>;

const stalls: [string, Stall][] = [
  [
    'gives no window to 500 targets that send',
    async (peer, open) => {
      peer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, 0]]);
      await open(500, gush);
    },
  ],
  [
    'gives 500 targets all windows, and reads nothing',
    async (peer, open) => {
      peer.settings([[SETTINGS_INITIAL_WINDOW_SIZE, mostWindow]]);
      peer.widen(0, mostWindow - firstWindow);
      peer.raw.stream.pause();
      await open(500, gush);
    },
  ],
  [
    'sends all that it may to targets that take nothing',
    async (peer, open) => fillWindows(peer, await open(16, (socket) => void socket.pause())),
  ],
];

test.each(stalls)('a client that %s makes us hold a bounded amount, and gets it back', async (_, stall) => {
  const { serve, measure } = await startBed();
  await measure(sendData, warmUpMs);
  const before = await readMemory(serve);
  forgetPeak(serve.pid);
  const peer = await connectHttp2(serve.port);
  await stall(peer, async (count, behave) => {
    const target = await startTarget(behave);
    const streams = Array.from({ length: count }, () => peer.connect(`127.0.0.1:${target.port}`));
    await eventually(() => target.open, count);
    return streams;
  });
  // Another session takes so many turns that anything which could pile up does.
  await measure(sendData, 1000);
  const held = (await readMemory(serve)).held - before.held;
  expect(held).toBeLessThan(sessionMib);
  expect(readPeakMib(serve.pid) - before.resident).toBeLessThan(2 * sessionMib);
  peer.raw.reset();
  await expectGivenBack(serve, before.held);
});
