import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { type OpenAnswer, readField, writeField } from '../../../src/resume/fields.ts';
import { headBytes, kinds, writeHead } from '../../../src/resume/frames.ts';
import { makeKeyPair } from '../../../src/resume/keys.ts';
import { eventually } from '../../support/eventually.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../../support/targets/plain.ts';

/** A far end, and a target that answers the number of a tunnel with some bytes. */
interface Bed {
  readonly target: Target;
  /** The numbers of the tunnels whose target has seen a reset, in this order. */
  readonly resets: readonly number[];
  /** Opens a tunnel with a number, through which bytes have passed. */
  open(number: number, options: { readonly hold: number; readonly source?: string }): Promise<RawPeer>;
  /** Counts the events of the far end of one kind, with this text. */
  count(event: string, text?: string): number;
  /** The memory that the far end has, in MiB. */
  readMemory(): number;
}

async function startBed(answer: Buffer): Promise<Bed> {
  const resets: number[] = [];
  const target = await startTarget((socket) => {
    socket.once('data', (chunk) => {
      const number = Number(chunk.toString());
      socket.once('error', () => resets.push(number));
      socket.write(answer);
    });
  });
  const tunl = startTunl(['serve', '127.0.0.1:0', '--resume', '1h', '--json']);
  const lines = new Map<string, string[]>();
  createInterface({ input: tunl.child.stderr as Readable }).on('line', (line) => {
    const { event } = JSON.parse(line) as { readonly event: string };
    const said = lines.get(event) ?? [];
    said.push(line);
    lines.set(event, said);
  });
  const [, port] = await tunl.waitFor(/"event":"listening".*"address":"[^"]*:(\d+)"/);
  onTestFinished(async () => {
    tunl.child.kill('SIGKILL');
    await tunl.ended;
  });
  return {
    target,
    resets,
    async open(number, { hold, source: from = '127.0.0.1' }) {
      const peer = await connectPeer(Number(port), { from });
      const field = writeField({ kind: 'open', key: makeKeyPair().publicKey, hold });
      peer.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x\r\n${field.join(': ')}\r\n\r\n`);
      const [, value = ''] = /\r\nTunl-Resume: (.*)\r\n/i.exec(await peer.readHead()) ?? [];
      expect(readField([[field[0], value]])).toMatchObject({ kind: 'opened', hold } satisfies Partial<OpenAnswer>);
      peer.send(makeData(String(number)));
      // The first frame is an acknowledgement, and then the answer begins.
      await peer.read(3 * headBytes);
      return peer;
    },
    count(event, text) {
      const said = lines.get(event) ?? [];
      return text === undefined ? said.length : said.filter((line) => line.includes(text)).length;
    },
    readMemory() {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${tunl.child.pid}/status`, 'utf8')) ?? [];
      return Number(kilobytes) / 1024;
    },
  };
}

function makeData(text: string): Buffer {
  const frame = Buffer.alloc(headBytes + text.length);
  writeHead(frame, 0, kinds.data, 0, text.length);
  frame.write(text, headBytes);
  return frame;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('of streams that keep more than 256 MiB, those that have waited longest are reset, and no others', async () => {
  // Each keeps 4 MiB.
  const total = 80;
  const bed = await startBed(Buffer.alloc(6 << 20));
  for (const number of numbers(0, total)) {
    const peer = await bed.open(number, { hold: 3600 });
    peer.reset();
    await eventually(() => bed.count('tunnel.waiting'), number + 1);
  }
  await eventually(() => bed.resets.length >= 10, true);
  await eventually(() => bed.count('tunnel.closed', 'others needed its place') - bed.resets.length, 0);
  await eventually(() => bed.target.open + bed.resets.length, total);
  // One that was full when others had to go keeps less.
  expect(bed.resets.length).toBeLessThanOrEqual(20);
  expect(bed.resets.toSorted((a, b) => a - b)).toEqual(numbers(0, bed.resets.length));
  if (process.platform === 'linux') expect(bed.readMemory()).toBeLessThan(256 + 200);
});

/** Streams of one address that may wait at a time. */
const most = 1000;
const tooMany = 5;

/** The waves of streams: how many come from each address. In the first one, one address has too many. */
const waves = [[most + tooMany], [200], [200]];
const hold = 3;

test(
  'abandoned streams give way to newer ones, expire, and leave no memory behind',
  { timeout: 60_000 + 6 * hold * 1000 },
  async () => {
    const bed = await startBed(Buffer.from('answer'.padEnd(headBytes)));
    const memory: number[] = [];
    let opened = 0;
    let evicted = 0;
    for (const wave of waves) {
      const first = opened;
      for (const [source, count] of wave.entries()) {
        const peers: RawPeer[] = [];
        const last = opened + count;
        while (opened < last) {
          const batch = numbers(opened, Math.min(opened + 50, last));
          opened += batch.length;
          const options = { source: `127.0.0.${1 + source}`, hold };
          peers.push(...(await Promise.all(batch.map((number) => bed.open(number, options)))));
        }
        // The first ones have waited longest.
        const oldest = peers.splice(0, source === 0 ? tooMany : 0);
        for (const peer of oldest) peer.reset();
        await eventually(() => bed.count('tunnel.waiting'), opened - peers.length);
        for (const peer of peers) peer.reset();
        await eventually(() => bed.count('tunnel.waiting'), opened);
      }
      const isTooMuch = wave.some((count) => count > most);
      const gone = numbers(first, first + (isTooMuch ? tooMany : 0));
      evicted += gone.length;
      await eventually(() => bed.count('tunnel.closed', 'others needed its place'), evicted);
      expect(bed.resets.slice(first, first + gone.length).toSorted((a, b) => a - b)).toEqual(gone);
      await eventually(() => bed.resets.length, opened);
      expect(bed.count('tunnel.closed', 'no transport came within 3s')).toBe(opened - evicted);
      expect(bed.target.open).toBe(0);
      if (process.platform === 'linux') memory.push(bed.readMemory());
    }
    // The first wave makes the heap grow to what it takes.
    const [, second = 0, third = 0] = memory;
    expect(third - second).toBeLessThan(32);
  },
);
