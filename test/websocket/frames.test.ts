import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../src/websocket/frame-reader.ts';
import { reuseFrame, writeCloseCode, writeFrame } from '../../src/websocket/frame-writer.ts';
import { FrameError, opcodes } from '../../src/websocket/frames.ts';

/** Reads bytes in these pieces, and returns what the frames said. */
function read(sender: 'client' | 'server', pieces: readonly Buffer[]) {
  const seen: string[] = [];
  let data = Buffer.alloc(0);
  const reader = new FrameReader(sender, {
    onPayload: (bytes) => {
      data = Buffer.concat([data, bytes]);
      return false;
    },
    onEmpty: () => void seen.push(`end after ${data.length}`),
    onPing: (payload) => void seen.push(`ping ${payload.toString()}`),
    onClose: (code) => void seen.push(`close ${code} after ${data.length}`),
  });
  for (const piece of pieces) reader.push(Buffer.from(piece));
  return { seen, data };
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('frames of a server', () => {
  test.each([
    ['a message', '8203 616263', [], 'abc'],
    ['an empty message', '8200', ['end after 0'], ''],
    ['two messages', '8201 61 8202 6263', [], 'abc'],
    ['an empty message behind another', '8203 616263 8200', ['end after 3'], 'abc'],
    ['a message in fragments', '0201 61 0000 8002 6263', [], 'abc'],
    ['an empty message in fragments', '0200 8000', ['end after 0'], ''],
    ['a message whose last fragment is empty', '0201 61 8000', [], 'a'],
    ['a ping between fragments', '0201 61 8901 78 8001 62', ['ping x'], 'ab'],
    ['a pong, which says nothing', '8a01 78 8200', ['end after 0'], ''],
    ['a Close with a code', '8201 61 8802 03e8', ['close 1000 after 1'], 'a'],
    ['a Close with a reason', '8804 0fa0 6f6b', ['close 4000 after 0'], ''],
    ['a Close without a code', '8800', ['close 1005 after 0'], ''],
  ])('%s', (_name, bytes, seen, data) => {
    const whole = hex(bytes);
    expect(read('server', [whole])).toEqual({ seen, data: Buffer.from(data) });
    const single = Array.from(whole, (byte) => Buffer.of(byte));
    expect(read('server', single)).toEqual({ seen, data: Buffer.from(data) });
  });

  test.each([
    ['reserved bits', 'c201 61', 'a frame has reserved bits, which nobody negotiated'],
    ['a mask', '8281 00000000 61', 'a frame of a server is masked'],
    ['a text', '8101 61', 'tunnels have no frames with opcode 1'],
    ['opcode 3', '8300', 'tunnels have no frames with opcode 3'],
    ['opcode 11', '8b00', 'tunnels have no frames with opcode 11'],
    ['a ping of 126 bytes', `897e 007e ${'00'.repeat(126)}`, 'a control frame is too long'],
    ['a fragmented ping', '0900', 'a control frame is fragmented'],
    ['a continuation of nothing', '8001 61', 'a continuation has no beginning'],
    ['a message inside another', '0201 61 8201 62', 'a message begins inside another one'],
    ['a length that could be shorter', '827e 007d', 'a length is not in its shortest form'],
    ['a long length that could be shorter', '827f 000000000000ffff', 'a length is not in its shortest form'],
    ['a length above all others', '827f ffffffffffffffff', 'a frame is too long'],
    ['a Close of one byte', '8801 03', 'a Close has no code that may be sent'],
    ['a Close with 1005', '8802 03ed', 'a Close has no code that may be sent'],
    ['a Close with 1006', '8802 03ee', 'a Close has no code that may be sent'],
    ['a Close with 999', '8802 03e7', 'a Close has no code that may be sent'],
    ['a Close with 2000', '8802 07d0', 'a Close has no code that may be sent'],
    ['a Close with 5000', '8802 1388', 'a Close has no code that may be sent'],
    ['a Close whose reason is no text', '8803 03e8 ff', 'the reason of a Close is not UTF-8'],
  ])('with %s are refused', (_name, bytes, message) => {
    const single = Array.from(hex(bytes), (byte) => Buffer.of(byte));
    expect(() => read('server', [hex(bytes)])).toThrow(new FrameError(message));
    expect(() => read('server', single)).toThrow(new FrameError(message));
  });
});

test('a frame of a client that is not masked is refused', () => {
  expect(() => read('client', [hex('8201 61')])).toThrow(new FrameError('a frame of a client is not masked'));
});

test('an endless frame costs no memory, as its payload is passed on', () => {
  let passed = 0;
  const none = () => expect.fail('it has no end');
  const reader = new FrameReader('server', {
    onPayload: ({ length }) => {
      passed += length;
      return false;
    },
    onEmpty: none,
    onPing: none,
    onClose: none,
  });
  reader.push(hex('827f 001fffffffffffff'));
  const chunk = Buffer.alloc(1 << 20);
  for (let round = 0; round < 100; round++) reader.push(chunk);
  expect(passed).toBe(100 << 20);
});

test('the payloads of one read are passed on together, where they came', () => {
  const parts: Buffer[] = [];
  const none = () => expect.fail('there is only data');
  const onPayload = (bytes: Buffer) => parts.push(bytes) > 1;
  const reader = new FrameReader('client', { onPayload, onEmpty: none, onPing: none, onClose: none });
  const frames = ['one ', 'two ', 'three'].map((word) => writeFrame('client', opcodes.binary, Buffer.from(word)));
  const [first, second] = [Buffer.concat(frames), Buffer.concat(frames)];
  expect([reader.push(first), reader.push(second)]).toEqual([false, true]);
  expect(parts.map(String)).toEqual(['one two three', 'one two three']);
  expect(parts.map(({ buffer }) => buffer)).toEqual([first.buffer, second.buffer]);
});

test.each(['client', 'server'] as const)('what a %s writes is read as it was, in any pieces', (sender) => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 400 });
  const sizes = fc.constantFrom(1, 125, 126, 8191, 8192, 65_535, 65_536);
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), sizes, fc.integer({ min: 1, max: 500 }), (parts, size, cut) => {
      const write = (opcode: number, payload: Buffer) => {
        const frame = writeFrame(sender, opcode, payload);
        const copy = Buffer.from(frame);
        reuseFrame(frame);
        return copy;
      };
      const buffers = parts.map((part) => Buffer.from(part));
      const big = Buffer.alloc(size, 7);
      const whole = Buffer.concat([
        ...buffers.map((part) => write(opcodes.binary, part)),
        write(opcodes.ping, Buffer.from('x')),
        write(opcodes.binary, big),
        write(opcodes.binary, Buffer.alloc(0)),
        write(opcodes.close, writeCloseCode(1000)),
      ]);
      const pieces: Buffer[] = [];
      for (let at = 0; at < whole.length; at += cut) pieces.push(whole.subarray(at, at + cut));
      for (const cuts of [pieces, [whole]]) {
        const { seen, data } = read(sender, cuts);
        const all = Buffer.concat([...buffers, big]);
        expect(data.equals(all)).toBe(true);
        expect(seen).toEqual(['ping x', `end after ${all.length}`, `close 1000 after ${all.length}`]);
      }
    }),
    { numRuns: 50 },
  );
});

test('a client masks each frame in another way, and a server none', () => {
  const [one, other] = [0, 1].map(() => Buffer.from(writeFrame('client', opcodes.binary, Buffer.alloc(20))));
  expect(one?.equals(other ?? Buffer.alloc(0))).toBe(false);
  expect(writeFrame('server', opcodes.binary, Buffer.from('a'))).toEqual(hex('8201 61'));
});

test('a frame in a frame, as in a tunnel in a tunnel, has memory of its own', () => {
  const payload = Buffer.alloc(60_000, 'x');
  const inner = writeFrame('server', opcodes.binary, payload);
  const outer = writeFrame('server', opcodes.binary, inner);
  reuseFrame(outer);
  reuseFrame(inner);
  expect(read('server', [read('server', [outer]).data]).data.equals(payload)).toBe(true);
  // Memory that was given back serves the next frame, and only one.
  const [first, second] = [payload, payload].map((bytes) => writeFrame('server', opcodes.binary, bytes));
  expect(first?.buffer).toBe(inner.buffer);
  expect(second?.buffer).toBe(outer.buffer);
});

test('any bytes are frames or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isClient) => {
      try {
        read(isClient ? 'client' : 'server', [Buffer.from(bytes)]);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 1000 },
  );
});
