import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { makeScript } from '../../support/harness/scripts.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const direct = ['forward', '--direct'];

test('a port file holds the ports in the order of the SPECs as soon as it exists, and goes with us', async () => {
  const folder = makeTempFolder();
  const [file, socket] = [join(folder, 'ports'), join(folder, 'tunl.sock')];
  writeFileSync(file, 'of an earlier run');
  const specs = [':127.0.0.1:1', `unix:${socket}:127.0.0.1:1`, ':127.0.0.1:2'];
  const { child, ended, waitFor } = startTunl([...direct, '--port-file', file, ...specs]);
  const [, first] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) -> 127\.0\.0\.1:1\n/);
  const [, second] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) -> 127\.0\.0\.1:2\n/);
  expect(readFileSync(file, 'utf8')).toBe(`${first}\nunix:${socket}\n${second}\n`);
  expect(readdirSync(folder).toSorted()).toEqual(['ports', 'tunl.sock']);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(existsSync(file)).toBe(false);
});

test('serve has a port file too', async () => {
  const file = join(makeTempFolder(), 'port');
  const { child, ended, waitFor } = startTunl(['serve', '127.0.0.1:0', '--port-file', file]);
  const [, port] = await waitFor(/serving 127\.0\.0\.1:(\d+)/);
  expect(readFileSync(file, 'utf8')).toBe(`${port}\n`);
  child.kill('SIGTERM');
  await ended;
});

test('a port file is there before a command runs', async () => {
  const file = join(makeTempFolder(), 'port');
  const script = makeScript(
    'import { readFileSync } from "node:fs"; process.exit(readFileSync(process.argv[2], "utf8") === `${process.env.TUNL_PORT}\\n` ? 0 : 1);',
    file,
  );
  expect((await runTunl([...direct, ':127.0.0.1:1', '--port-file', file, '--', ...script])).code).toBe(0);
});

test('a start that fails leaves no port file, neither an old one nor half a new one', async () => {
  const target = await startTarget(echo);
  const folder = makeTempFolder();
  const file = join(folder, 'port');
  writeFileSync(file, 'of an earlier run');
  expect((await runTunl([...direct, `${target.port}:127.0.0.1:1`, '--port-file', file])).code).toBe(98);
  expect(readdirSync(folder)).toEqual([]);
});

test("somebody else's port file in our place stays", async () => {
  const file = join(makeTempFolder(), 'port');
  const first = startTunl([...direct, ':127.0.0.1:1', '--port-file', file]);
  await first.waitFor(/forwarding/);
  const second = startTunl([...direct, ':127.0.0.1:1', '--port-file', file]);
  const [, port] = await second.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  first.child.kill('SIGTERM');
  await first.ended;
  expect(readFileSync(file, 'utf8')).toBe(`${port}\n`);
  second.child.kill('SIGTERM');
  await second.ended;
});

test('a link is not replaced, but what it leads to', async () => {
  const folder = makeTempFolder();
  const [link, file] = [join(folder, 'link'), join(folder, 'file')];
  writeFileSync(file, '');
  symlinkSync(file, link);
  const { child, ended, waitFor } = startTunl([...direct, ':127.0.0.1:1', '--port-file', link]);
  await waitFor(/forwarding/);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8')).toMatch(/^\d+\n$/);
  child.kill('SIGTERM');
  await ended;
});

test('a named pipe gets the ports and stays a pipe', async () => {
  const pipe = join(makeTempFolder(), 'pipe');
  execFileSync('sh', ['-c', `mkfifo '${pipe}'`]);
  // Both ends, so that opening it waits for nobody.
  const reader = await open(pipe, 'r+');
  const { child, ended, waitFor } = startTunl([...direct, ':127.0.0.1:1', '--port-file', pipe]);
  const [, port = ''] = await waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  expect((await reader.read(Buffer.alloc(64), 0, 64)).buffer.toString('utf8', 0, port.length + 1)).toBe(`${port}\n`);
  await reader.close();
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  child.kill('SIGTERM');
  await ended;
});

test('a port file that cannot be written is exit 2, and nothing is opened', async () => {
  const folder = makeTempFolder();
  for (const [file, reason] of [
    [join(folder, 'no', 'port'), 'there is no such folder'],
    [folder, 'it is a folder'],
  ] as const) {
    const { code, stderr } = await runTunl([...direct, ':127.0.0.1:1', '--port-file', file]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`cannot write the port file "${file}": ${reason}\ntunl: hint: `),
    ]);
    expect(stderr).not.toContain('forwarding');
  }
});

test('a ready descriptor gets one address per line, then its end, while we go on', async () => {
  const target = await startTarget(echo);
  const socket = join(makeTempFolder(), 'tunl.sock');
  const specs = [`:127.0.0.1:${target.port}`, `unix:${socket}:127.0.0.1:${target.port}`];
  const { child, ended } = startTunl([...direct, '-q', '--ready-fd', '3', ...specs], {}, { extra: ['pipe'] });
  const lines = (await text(child.stdio[3] as Readable)).split('\n');
  expect(lines).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/), `unix:${socket}`, '']);
  for (const place of [{ port: Number(lines[0]?.split(':')[1]), host: '127.0.0.1' }, { path: socket }]) {
    const client = connect(place).setEncoding('utf8');
    client.write('x');
    expect(await once(client, 'data')).toEqual(['x']);
    client.destroy();
  }
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('stdout can be the ready descriptor of a server', async () => {
  const { child, ended, waitFor } = startTunl(['serve', '127.0.0.1:0', '--ready-fd', '1']);
  await once(child.stdout as Readable, 'end');
  const [, address] = await waitFor(/serving (\S+)/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stdout: `${address}\n` });
});

test('a ready descriptor that nobody reads any more stops nothing', async () => {
  const { child, ended, waitFor } = startTunl([...direct, '--ready-fd', '3', ':127.0.0.1:1'], {}, { extra: ['pipe'] });
  (child.stdio[3] as Readable).destroy();
  await waitFor(/forwarding/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test.each([
  ['3', '--ready-fd 3 is not an open descriptor that can be written to'],
  ['999', '--ready-fd 999 is not an open descriptor that can be written to'],
  ['0', '--ready-fd 0 is stdin'],
  ['2', '--ready-fd 2 is where messages go'],
  ['x', '--ready-fd "x" is not the number of a descriptor'],
  ['-1', '--ready-fd "-1" is not the number of a descriptor'],
])('--ready-fd %s that is not ours to write is exit 2', async (fd, message) => {
  const { code, stderr } = await runTunl([...direct, ':127.0.0.1:1', `--ready-fd=${fd}`]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^tunl: .*\ntunl: hint: .*\n$/)]);
  expect(stderr).toContain(`tunl: ${message}\n`);
});

test("no number of a descriptor that Node has opened for itself is taken for the parent's", async () => {
  const runs = Array.from({ length: 22 }, (_, index) =>
    runTunl([...direct, '-q', ':127.0.0.1:1', '--ready-fd', `${index + 3}`]),
  );
  expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(runs.map(() => 2));
});

test('the stdout of a command is not a ready descriptor', async () => {
  const { code, stderr } = await runTunl([...direct, ':127.0.0.1:1', '--ready-fd', '1', '--', ...makeScript('')]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('--ready-fd 1 is the stdout of the command')]);
});
