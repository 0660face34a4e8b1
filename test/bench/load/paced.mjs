import { closeAll, echoOneByte, openAll } from './tunnel-jobs.mjs';
import { measureWindow, percentiles } from './window.mjs';

const message = Buffer.alloc(64, 'ping');

/**
 * Many open tunnels, of which the `active` ones take turns with messages of 64 bytes, `perSecond` of them in all.
 * They go out whether the ones before are back or not, so that a pause of the proxy is not hidden.
 */
export async function runPaced(job) {
  const tunnels = await openAll(job);
  for (const tunnel of tunnels) await echoOneByte(tunnel);
  const latencies = [];
  // Spread over all tunnels, so that every session has some.
  const active = Array.from({ length: job.active }, (_, index) =>
    prepare(tunnels[Math.floor((index * tunnels.length) / job.active)], latencies),
  );
  const timer = startMessages(active, job.perSecond);
  const measured = await measureWindow(job, () => latencies.length);
  clearInterval(timer);
  const work = latencies.length / 1000;
  const failures = await closeAll(tunnels);
  return { rate: measured.perSecond, work, failures, ...percentiles(latencies.slice(measured.first)) };
}

/** Returns a function that sends a message. */
function prepare(tunnel, latencies) {
  const sent = [];
  let missing = message.length;
  tunnel.onClose = () => {};
  tunnel.onBytes = (length) => {
    missing -= length;
    while (missing <= 0 && sent.length > 0) {
      latencies.push(performance.now() - sent.shift());
      missing += message.length;
    }
  };
  return () => {
    sent.push(performance.now());
    tunnel.socket.write(message);
  };
}

function startMessages(senders, perSecond) {
  const started = performance.now();
  const everyMs = 1000 / perSecond;
  let sent = 0;
  return setInterval(() => {
    const now = performance.now();
    for (; started + sent * everyMs <= now; sent++) senders[sent % senders.length]();
  }, 1);
}
