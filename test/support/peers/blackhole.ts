import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TcpAddress } from '../../../src/core/address.ts';
import { inTime } from '../eventually.ts';

// Listens with the shortest backlog and then never accepts: once its queue is full, the kernel drops
// every further SYN.
const program = `
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port) + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** An address of loopback that neither accepts nor refuses connections. */
export async function startBlackhole(): Promise<{ address: TcpAddress }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  });
  const printed = new Promise<Buffer>((resolve) => child.stdout.once('data', resolve));
  const port = Number((await inTime('the port of the blackhole', printed)).toString());
  await fillQueue(port);
  return { address: { kind: 'tcp', host: '127.0.0.1', port } };
}

/** Connects until the kernel no longer answers. */
async function fillQueue(port: number): Promise<void> {
  for (let connected = true; connected;) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    connected = await Promise.race([
      new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))),
      // A connection over loopback takes far less time, so none is coming after this.
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
    ]);
  }
}
