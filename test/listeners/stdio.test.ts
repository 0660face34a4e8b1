import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { type Stdio, stdioLink } from '../../src/listeners/stdio.ts';
import { inTime } from '../support/eventually.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { turn } from '../support/turns.ts';

/** A Link over two streams that a test plays the terminal with. */
function start(options?: { reading?: boolean }) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const closeStdout = vi.fn<() => void>();
  const link = stdioLink({ stdin, stdout, closeStdout } satisfies Stdio);
  return { stdin, stdout, closeStdout, link, peer: new RawPeer(link, options) };
}

test('reads stdin to its end and writes to stdout', async () => {
  const { stdin, stdout, peer, closeStdout } = start();
  stdin.end('typed');
  expect((await peer.readToEnd()).toString()).toBe('typed');
  peer.send('printed');
  await turn();
  expect(String(stdout.read())).toBe('printed');
  expect(closeStdout).not.toHaveBeenCalled();
});

test('closes stdout at its end, after the last byte, and still reads stdin', async () => {
  const { stdin, stdout, peer, closeStdout } = start();
  const order: string[] = [];
  stdout.on('data', (chunk: Buffer) => order.push(chunk.toString()));
  closeStdout.mockImplementation(() => order.push('closed'));
  peer.send('last words');
  peer.fin();
  stdin.write('still typed');
  expect(await peer.readUntil('typed')).toBe('still typed');
  expect(order).toEqual(['last words', 'closed']);
});

test('asks stdin for nothing before somebody reads, and for no more than that', async () => {
  const { stdin, link } = start({ reading: false });
  expect(stdin.isPaused()).toBe(true);
  link.stream.resume();
  link.stream.pause();
  for (let chunk = 0; chunk < 20; chunk++) stdin.write(Buffer.alloc(16 * 1024));
  await turn();
  expect(link.stream.readableLength).toBeLessThanOrEqual(64 * 1024);
  expect(stdin.isPaused()).toBe(true);
});

test('waits for a stdout that stands still', async () => {
  const { stdout, link } = start();
  let written = 0;
  for (let chunk = 0; chunk < 8; chunk++) link.stream.write(Buffer.alloc(16 * 1024), () => written++);
  await turn();
  expect(written).toBeLessThan(8);
  stdout.resume();
  await new Promise((resolve) => link.stream.write('', resolve));
  expect(written).toBe(8);
});

test('fails when the reader of stdout has gone', async () => {
  const { stdout, link, peer } = start();
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(await peer.waitForEnd()).toBe('reset');
  expect(link.stream.errored).toMatchObject({ code: 'EPIPE' });
});

test.each(['EIO', 'EOF'])('takes %s of stdin for its end: the terminal has gone', async (code) => {
  const { stdin, peer } = start();
  stdin.destroy(Object.assign(new Error(`read ${code}`), { code }));
  expect(await peer.waitForEnd()).toBe('fin');
});

test('fails with any other error of stdin', async () => {
  const { stdin, link, peer } = start();
  stdin.destroy(Object.assign(new Error('read EISDIR'), { code: 'EISDIR' }));
  expect(await peer.waitForEnd()).toBe('reset');
  expect(link.stream.errored).toMatchObject({ code: 'EISDIR' });
});

test('lets go of stdin when it is reset, so that the program can end', async () => {
  const { stdin, link } = start();
  const closed = new Promise((resolve) => stdin.once('close', resolve));
  link.reset(new Error('cut'));
  await inTime('the end of stdin', closed);
});
