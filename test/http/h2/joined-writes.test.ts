import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { copyToSpare, giveBack } from '../../../src/h2/spare-blocks.ts';
import { JoinedWrites } from '../../../src/http/h2/sessions/joined-writes.ts';
import { turn } from '../../support/turns.ts';

/** A stream that takes one write a turn, and notes them. */
function start() {
  const taken: Buffer[] = [];
  const calls: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      taken.push(Buffer.from(chunk));
      setImmediate(done);
    },
  });
  const writes = new JoinedWrites(
    stream,
    () => void setImmediate(() => writes.flush()),
    () => calls.push('writable'),
  );
  /** Writes bytes and overwrites their memory at once. */
  const write = (bytes: number, fill: string) => {
    const parts = [Buffer.alloc(9, fill), Buffer.alloc(bytes - 9, fill)];
    const fate = writes.write(parts);
    for (const part of parts) part.fill('!');
    return fate;
  };
  return { writes, stream, taken, calls, write, list: () => taken.map((chunk) => describeRuns(chunk.toString())) };
}

/** `aab` is `a2 b1`. */
function describeRuns(text: string): string {
  return [...text.matchAll(/(.)\1*/g)].map(([run, letter]) => `${letter}${run.length}`).join(' ');
}

test('few bytes go out at once, and what comes while they are on their way goes together', async () => {
  const { write, list } = start();
  expect([write(20, 'a'), write(10, 'b'), write(70_000, 'c')]).toEqual(['free', 'free', 'free']);
  expect(list()).toEqual(['a20']);
  for (let turns = 0; turns < 4; turns++) await turn();
  expect(list()).toEqual(['a20', 'b10 c70000']);
});

test('many bytes wait for the others of their turn, up to what is enough for one write', async () => {
  const { write, list, calls } = start();
  expect(['a', 'b', 'c', 'd'].map((fill) => write(65_536, fill))).toEqual(['free', 'free', 'free', 'full']);
  // Bytes that must go come in all the same.
  expect(write(300_000, 'e')).toBe('full');
  expect([list(), calls]).toEqual([[], []]);
  for (let turns = 0; turns < 4; turns++) await turn();
  expect(list()).toEqual(['a65536 b65536 c65536 d65536 e300000']);
  expect(calls).toEqual(['writable']);
});

test('the rest is written before the end', async () => {
  const { writes, stream, write, list } = start();
  write(20, 'a');
  write(30, 'b');
  writes.finish();
  stream.end();
  await new Promise((resolve) => stream.once('finish', resolve));
  expect(list()).toEqual(['a20', 'b30']);
});

test('a block of a copy is used again once its last byte is needed no more, and no sooner', () => {
  const copy = copyToSpare(Buffer.alloc(60_000, 'x'));
  const [first, rest] = [copy.subarray(0, 40_000), copy.subarray(40_000)];
  giveBack(first);
  expect(copyToSpare(Buffer.alloc(50_000)).buffer).not.toBe(copy.buffer);
  giveBack(rest);
  giveBack(rest);
  const others = [copyToSpare(Buffer.alloc(50_000)), copyToSpare(Buffer.alloc(50_000))];
  expect(others.map(({ buffer }) => buffer === copy.buffer)).toEqual([true, false]);
  expect(copyToSpare(Buffer.alloc(70_000)).length).toBe(70_000);
});
