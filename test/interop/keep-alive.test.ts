import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { startTarget, stall } from '../support/targets/plain.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';

/** The timer that the kernel runs for each open TCP connection between these ports (proc_net_tcp). */
function readTimers(local: number | undefined, remote: number | undefined): string[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, from = '', to = '', state, , timer = ''] = row.trim().split(/\s+/);
    const portOf = (address: string) => Number.parseInt(address.split(':')[1] ?? '', 16);
    const isMeant = (port: number, wanted: number | undefined) => wanted === undefined || port === wanted;
    const isOpen = state === '01';
    return isOpen && isMeant(portOf(from), local) && isMeant(portOf(to), remote) ? [timer.slice(0, 2)] : [];
  });
}

/** The kernel's name for the timer of keep-alive probes. */
const keepAlive = '02';

test.each(['http', 'h2c'])('every connection of ours has TCP keep-alive, over %s', async (scheme) => {
  const target = await startTarget(stall);
  const serve = await startTunlServe();
  const forward = await startTunl([
    'forward',
    `:127.0.0.1:${target.port}`,
    '-x',
    `${scheme}://127.0.0.1:${serve.port}`,
  ]);
  const client = await connectPeer(forward.port);
  await eventually(() => target.accepted, 1);
  const sockets = {
    'the client at the forward': () => readTimers(forward.port, undefined),
    'the forward to its proxy': () => readTimers(undefined, serve.port),
    'the forward at the proxy': () => readTimers(serve.port, undefined),
    'the proxy to the target': () => readTimers(undefined, target.port),
  };
  // A timer for data that was just sent comes first; on a quiet connection only this one is left.
  for (const [name, read] of Object.entries(sockets)) {
    await eventually(() => [name, ...read()], [name, keepAlive]);
  }
  client.reset();
  await Promise.all([forward.stop(), serve.stop()]);
});
