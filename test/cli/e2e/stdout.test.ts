import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { program } from '../../support/harness/tunl-process.ts';

// A target that says goodbye at once, ends its half and goes on listening.
let target: Server;
let port = '';
let accepted: Promise<Socket>;
let heard = '';

beforeEach(async () => {
  heard = '';
  target = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
    socket.end('bye\n');
  });
  accepted = once(target, 'connection').then(([socket]) => socket as Socket);
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const address = target.address();
  port = typeof address === 'object' && address ? String(address.port) : '';
});
afterEach(() => void target.close());

/** Resolves once the child has printed the text. */
function waitForOutput(child: ChildProcess, wanted: string): Promise<void> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes(wanted)) resolve();
    });
  });
}

async function sayMoreAndEnd(child: ChildProcess): Promise<void> {
  const socket = await accepted;
  child.stdin?.end('more\n');
  const [[code]] = await Promise.all([once(child, 'exit'), once(socket, 'end')]);
  expect([code, heard]).toEqual([0, 'more\n']);
}

test('when the target ends first, stdout ends and stdin goes on: a socket, as Node starts us', async () => {
  const child = spawn(process.execPath, [program, 'connect', '--direct', `127.0.0.1:${port}`], { stdio: 'pipe' });
  await Promise.all([waitForOutput(child, 'bye\n'), once(child.stdout, 'end')]);
  expect(child.exitCode).toBeNull();
  await sayMoreAndEnd(child);
});

test('when the target ends first, stdout ends and stdin goes on: a pipe, as ssh starts us', async () => {
  const child = spawn(
    'sh',
    ['-c', '"$0" "$@" | { cat; echo END; }', process.execPath, program, 'connect', '--direct', `127.0.0.1:${port}`],
    {
      stdio: 'pipe',
    },
  );
  await waitForOutput(child, 'bye\nEND\n');
  await sayMoreAndEnd(child);
});

test('a socket that is the stdout of a whole script takes what the next command says', async () => {
  const script = '"$0" "$@"; echo next';
  const words = ['-c', script, process.execPath, program, 'connect', '--direct', `127.0.0.1:${port}`];
  const child = spawn('sh', words, { stdio: 'pipe' });
  await waitForOutput(child, 'bye\n');
  const next = waitForOutput(child, 'next\n');
  child.stdin.end('more\n');
  await next;
  expect(heard).toBe('more\n');
});
