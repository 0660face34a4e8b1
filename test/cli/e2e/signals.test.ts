import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTunl, type Tunl } from '../../support/harness/tunl-process.ts';

// A target that answers each byte, and ends when its client does.
let target: Server;
let port = 0;
const sockets: Socket[] = [];

beforeEach(async () => {
  target = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const address = target.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  target.close();
});

/** Resolves with what ended a socket; null for a clean end. */
function closed(socket: Socket): Promise<Error | null> {
  return new Promise((resolve) => socket.once('close', () => resolve(socket.errored)));
}

/** Starts a forward with one tunnel that has carried a byte. */
async function startForward(...options: string[]): Promise<{ tunl: Tunl; client: Socket }> {
  const tunl = startTunl(['forward', `:127.0.0.1:${port}`, '--direct', ...options]);
  const [, listening = ''] = await tunl.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  const client = connect(Number(listening), '127.0.0.1');
  client.on('error', () => {});
  sockets.push(client);
  client.write('x');
  await once(client, 'data');
  return { tunl, client };
}

test('a server without tunnels ends with 0 at the first signal', async () => {
  const { child, ended, waitFor } = startTunl(['serve', '127.0.0.1:0']);
  await waitFor(/serving/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stdout: '' });
});

test('a tunnel that ends within the grace lets the program end with 0', async () => {
  const { tunl, client } = await startForward();
  tunl.child.kill('SIGINT');
  await tunl.waitFor(/stopping; 1 tunnel may finish within 10s/);
  client.write('y');
  await once(client, 'data');
  client.destroy();
  expect((await tunl.ended).code).toBe(0);
});

test('a tunnel that is cut at the end of the grace is 128+n, and the client sees a reset', async () => {
  const { tunl, client } = await startForward('--grace', '50ms');
  const reset = closed(client);
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).code).toBe(143);
  expect(await reset).toMatchObject({ code: 'ECONNRESET' });
});

test('a second signal cuts at once, with the status of the first', async () => {
  const { tunl } = await startForward('--grace', 'off');
  tunl.child.kill('SIGINT');
  await tunl.waitFor(/stopping/);
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).code).toBe(130);
});

test('SIGHUP makes a forward read its certificates again, and its tunnels live on', async () => {
  const { tunl, client } = await startForward('--grace', '0');
  tunl.child.kill('SIGHUP');
  await tunl.waitFor(/certificates and keys were read again/);
  client.write('on');
  expect(String(await once(client, 'data'))).toBe('on');
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).code).toBe(143);
});

test('SIGUSR1 opens no inspector, and SIGUSR2 shows the tunnels', async () => {
  const { tunl, client } = await startForward();
  tunl.child.kill('SIGUSR1');
  tunl.child.kill('SIGUSR2');
  await tunl.waitFor(
    /tunl: 1 tunnel\ntunl: id=1 client=127\.0\.0\.1:\d+ user=- target=127\.0\.0\.1:\d+ via=- sent=1 received=1 /,
  );
  client.destroy();
  tunl.child.kill('SIGTERM');
  const { code, stderr } = await tunl.ended;
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/Debugger|inspector/i);
});

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('connect ends at the first %s with %i, says nothing and resets the tunnel', async (signal, exit) => {
  const { child, ended } = startTunl(['connect', '127.0.0.1', String(port), '--direct']);
  child.stdin?.write('x');
  await once(child.stdout ?? expect.fail('no stdout'), 'data');
  const [socket = expect.fail('no tunnel')] = sockets;
  const reset = closed(socket);
  child.kill(signal);
  expect(await ended).toMatchObject({ code: exit, stderr: '' });
  expect(await reset).toMatchObject({ code: 'ECONNRESET' });
});

test('connect whose stdin ends as SIGHUP comes, as from an ssh that goes, sends all of it and ends the tunnel cleanly', async () => {
  const { child, ended } = startTunl(['connect', '-v', '127.0.0.1', String(port), '--direct']);
  child.stdin?.write('x');
  await once(child.stdout ?? expect.fail('no stdout'), 'data');
  const [socket = expect.fail('no tunnel')] = sockets;
  const end = closed(socket);
  child.stdin?.end('y'.repeat(1000));
  child.kill('SIGHUP');
  const { code, stderr } = await ended;
  expect(code).toBe(129);
  expect(stderr).toMatch(/ closed: sent 1001, received 1001 in \S+\n$/);
  expect(await end).toBe(null);
});

test('connect waits a second at most for a target that goes on after SIGHUP', async () => {
  target.removeAllListeners('connection').on('connection', (socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.write('x');
  });
  const { child, ended } = startTunl(['connect', '127.0.0.1', String(port), '--direct']);
  await once(child.stdout ?? expect.fail('no stdout'), 'data');
  child.stdin?.end();
  child.kill('SIGHUP');
  expect(await ended).toMatchObject({ code: 129, stderr: '' });
});

test('connect whose reader went away ends with 141 and says nothing', async () => {
  const { child, ended } = startTunl(['connect', `127.0.0.1:${port}`, '--direct']);
  child.stdin?.write('x');
  await once(child.stdout ?? expect.fail('no stdout'), 'data');
  child.stdout?.destroy();
  child.stdin?.write('y');
  expect(await ended).toMatchObject({ code: 141, stderr: '' });
});
