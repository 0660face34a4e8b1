import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { program } from '../../support/harness/tunl-process.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** Tunnels before the count begins, those that count, and how many are open at a time. */
const [early, counted, atOnce] = [100, 200, 10];

/** Starts `serve` so that V8 writes down each access to an object for which it has nothing in its caches. */
async function startLogged(): Promise<{ port: number; log: string }> {
  const log = join(makeTempFolder(), 'ic.log');
  const flags = ['--log-ic', `--logfile=${log}`, '--no-logfile-per-isolate'];
  const child = spawn(process.execPath, [...flags, program, 'serve', '127.0.0.1:0', '--ready-fd', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const [said] = (await once(child.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { port: Number(/:(\d+)/.exec(String(said))?.[1]), log };
}

// Node 20 makes a shape for each copy of an object that gets more fields, and no access to such an object is cached: that
// took a quarter of the time of a tunnel.
test('no object of a tunnel has a shape of its own', async () => {
  const target = await startTarget(echo);
  const { port, log } = await startLogged();
  const carry = async () => {
    const peer = await connectPeer(port);
    peer.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x.test\r\n\r\nhello`);
    await peer.readUntil('hello');
    peer.reset();
  };
  const carryAll = async (count: number) => {
    for (let done = 0; done < count; done += atOnce) await Promise.all(Array.from({ length: atOnce }, carry));
  };
  await carryAll(early);
  // V8 writes its file when it likes.
  await eventually(() => statSync(log).size > 0, true);
  const from = statSync(log).size;
  await carryAll(counted);
  const lines = readFileSync(log, 'latin1').slice(from).split('\n');
  const missed = lines.filter((line) => line.includes("LookupForWrite said 'false'"));
  expect(missed.length / counted).toBeLessThan(0.5);
}, 60_000);
