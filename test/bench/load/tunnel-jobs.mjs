import { setTimeout as delay } from 'node:timers/promises';
import { Tunnel } from './tunnel.mjs';
import { measureWindow, percentiles } from './window.mjs';
import { bytesPerAck } from './wire.mjs';

const block = Buffer.alloc(256 * 1024, 'load');
const ping = Buffer.alloc(64, 'ping');

/** Tunnels that are being opened at the same time, below every backlog in use. */
const openingAtOnce = 32;

/** A tunnel that has not answered by then counts as failed. */
const answerMs = 10_000;

let idle = [];

/** Bytes from the origin. `work` counts the whole job, for the cost; `rate` is that of the measured part, in MB/s. */
export async function runDown(job) {
  const count = { units: 0 };
  const tunnels = await openAll(job);
  for (const tunnel of tunnels) {
    tunnel.onBytes = (length) => (count.units += length);
    tunnel.socket.write('D');
  }
  return measureBytes(job, tunnels, count, 1);
}

/** Bytes to the origin, as far as it acknowledged them. */
export async function runUp(job) {
  const count = { units: 0 };
  const tunnels = await openAll(job);
  for (const tunnel of tunnels) {
    tunnel.onBytes = (length) => (count.units += length);
    const send = (error) => void (error || tunnel.socket.write(block, send));
    tunnel.socket.write('U');
    send();
    send();
  }
  return measureBytes(job, tunnels, count, bytesPerAck);
}

async function measureBytes(job, tunnels, count, unitBytes) {
  const measured = await measureWindow(job, () => count.units);
  const moved = count.units * unitBytes;
  const failures = await closeAll(tunnels);
  return { rate: (measured.perSecond * unitBytes) / 1e6, work: moved / 1e9, failures };
}

/** Messages of 64 bytes that come back before the next one goes. `rate` is per second over all tunnels. */
export async function runRoundTrips(job) {
  const latencies = [];
  const tunnels = await openAll(job);
  for (const tunnel of tunnels) startPingPong(tunnel, latencies);
  const measured = await measureWindow(job, () => latencies.length);
  const work = latencies.length / 1000;
  const failures = await closeAll(tunnels);
  return { rate: measured.perSecond, work, failures, ...percentiles(latencies.slice(measured.first)) };
}

function startPingPong(tunnel, latencies) {
  let missing = ping.length;
  let sent = performance.now();
  tunnel.onBytes = (length) => {
    missing -= length;
    if (missing > 0) return;
    const now = performance.now();
    latencies.push(now - sent);
    missing = ping.length;
    sent = now;
    tunnel.socket.write(ping);
  };
  // The origin echoes what follows the byte that asks for it.
  tunnel.socket.write(Buffer.concat([Buffer.from('E'), ping]));
}

/** Whole tunnels, one after the other on each of `tunnels` lanes: open, one byte there and back, close. */
export async function runNewTunnels(job) {
  const latencies = [];
  const state = { running: true, failures: 0 };
  const lanes = Array.from({ length: job.tunnels }, () => runLane(job, state, latencies));
  const measured = await measureWindow(job, () => latencies.length);
  state.running = false;
  const work = latencies.length / 1000;
  await Promise.all(lanes);
  return { rate: measured.perSecond, work, failures: state.failures, ...percentiles(latencies.slice(measured.first)) };
}

async function runLane(job, state, latencies) {
  while (state.running) {
    try {
      latencies.push(await runOneTunnel(job));
    } catch {
      state.failures++;
      // Something that refuses at once must not be hammered.
      await delay(10);
    }
  }
}

/** Resolves with the milliseconds from the first step to the byte that came back. */
async function runOneTunnel(job) {
  const started = performance.now();
  const tunnel = await Tunnel.open(job);
  try {
    await echoOneByte(tunnel);
    return performance.now() - started;
  } finally {
    await close(tunnel);
  }
}

/** Resolves once a byte went to the origin and back: only then a tunnel behind a port is surely open. */
export function echoOneByte(tunnel, patienceMs = answerMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the tunnel gave no answer')), patienceMs);
    tunnel.onBytes = () => {
      clearTimeout(timer);
      resolve();
    };
    tunnel.onClose = () => {
      clearTimeout(timer);
      reject(new Error('the tunnel was closed before the answer'));
    };
    tunnel.socket.write('E.');
  });
}

/** Opens tunnels, uses each once and keeps them until `release`. */
export async function openIdle(job) {
  idle = await openAll(job);
  for (const tunnel of idle) await echoOneByte(tunnel, job.patienceMs);
  return { opened: idle.length };
}

/** Closes what `openIdle` opened. */
export async function closeIdle() {
  await closeAll(idle.splice(0));
  return {};
}

/** Opens `job.tunnels` tunnels, some at a time. */
export async function openAll(job) {
  const opened = [];
  while (opened.length < job.tunnels) {
    const count = Math.min(openingAtOnce, job.tunnels - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: count }, () => Tunnel.open(job)))));
  }
  return opened;
}

/** Resolves with how many of the tunnels had been closed by somebody else. */
export async function closeAll(tunnels) {
  const live = tunnels.filter(({ socket }) => !socket.destroyed);
  await Promise.all(live.map(close));
  return tunnels.length - live.length;
}

/** With a reset, because some proxies keep a connection whose client only ended its half. */
function close({ socket }) {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()).resetAndDestroy());
}
