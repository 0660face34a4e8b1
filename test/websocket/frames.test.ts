import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closePayload, FrameError, FrameReader, FrameWriter, opcodes } from '../../src/websocket/frames.ts';

/** Reads bytes in these pieces, and returns what the frames said. */
function read(sender: 'client' | 'server', pieces: readonly Buffer[]) {
  const seen: string[] = [];
  let data = Buffer.alloc(0);
  const reader = new FrameReader(sender, {
    onData: (part) => void (data = Buffer.concat([data, part])),
    onMessage: (bytes) => void seen.push(`message ${bytes}`),
    onPing: (payload) => void seen.push(`ping ${payload.toString()}`),
    onClose: (code) => void seen.push(`close ${code}`),
  });
  for (const piece of pieces) reader.push(piece);
  return { seen, data };
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('frames of a server', () => {
  test.each([
    ['a message', '8203 616263', ['message 3'], 'abc'],
    ['an empty message', '8200', ['message 0'], ''],
    ['a message in fragments', '0201 61 0000 8002 6263', ['message 3'], 'abc'],
    ['an empty message in fragments', '0200 8000', ['message 0'], ''],
    ['a ping between fragments', '0201 61 8901 78 8001 62', ['ping x', 'message 2'], 'ab'],
    ['a pong, which says nothing', '8a01 78 8200', ['message 0'], ''],
    ['a Close with a code', '8802 03e8', ['close 1000'], ''],
    ['a Close with a reason', '8804 0fa0 6f6b', ['close 4000'], ''],
    ['a Close without a code', '8800', ['close 1005'], ''],
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
    onData: (part) => void (passed += part.length),
    onMessage: none,
    onPing: none,
    onClose: none,
  });
  reader.push(hex('827f 001fffffffffffff'));
  const chunk = Buffer.alloc(1 << 20);
  for (let round = 0; round < 100; round++) reader.push(chunk);
  expect(passed).toBe(100 << 20);
});

test.each(['client', 'server'] as const)('what a %s writes is read as it was, in any pieces', (sender) => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 400 });
  const sizes = fc.constantFrom(0, 125, 126, 65_535, 65_536);
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), sizes, fc.integer({ min: 1, max: 500 }), (parts, size, cut) => {
      const writer = new FrameWriter(sender);
      const buffers = parts.map((part) => Buffer.from(part));
      const big = Buffer.alloc(size, 7);
      const whole = Buffer.concat([
        ...buffers.flatMap((part) => writer.write(opcodes.binary, [part])),
        ...writer.write(opcodes.ping, [Buffer.from('x')]),
        ...writer.write(opcodes.binary, [...buffers, big]),
        ...writer.write(opcodes.close, [closePayload(1000)]),
      ]);
      const pieces: Buffer[] = [];
      for (let at = 0; at < whole.length; at += cut) pieces.push(whole.subarray(at, at + cut));
      const { seen, data } = read(sender, pieces);
      const all = Buffer.concat(buffers);
      expect(data.equals(Buffer.concat([all, all, big]))).toBe(true);
      const lengths = buffers.map(({ length }) => `message ${length}`);
      expect(seen).toEqual([...lengths, 'ping x', `message ${all.length + size}`, 'close 1000']);
    }),
    { numRuns: 50 },
  );
});

test('a client masks each frame in another way, and a server none', () => {
  const [one, other] = [0, 1].map(() =>
    Buffer.concat(new FrameWriter('client').write(opcodes.binary, [Buffer.alloc(20)])),
  );
  expect(one?.equals(other ?? Buffer.alloc(0))).toBe(false);
  expect(Buffer.concat(new FrameWriter('server').write(opcodes.binary, [Buffer.from('a')]))).toEqual(hex('8201 61'));
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
