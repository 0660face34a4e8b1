import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { startTarget } from '../support/targets/plain.ts';

/** Pieces of answers, well-formed and not, as an upstream might string them together. */
const piece = fc.oneof(
  fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 204 No\r\n',
    'HTTP/1.1 101 Switching\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early\r\n\r\n',
    'content-length: 3\r\n',
    'content-length: 03\r\n',
    'transfer-encoding: chunked\r\n',
    'connection: close\r\n',
    'x: y\r\n',
    ' folded\r\n',
    '\r\n',
    'abc',
    '3\r\nabc\r\n',
    '0\r\n',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

test('whatever an upstream answers, the client has a whole answer or an abort, and the next request works', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const client = bed.connect();
      client.send(head('GET / HTTP/1.1', 'Host: a', 'Connection: close'));
      const upstream = await target.accept();
      await upstream.readHead();
      for (const each of pieces) upstream.send(Buffer.from(each, 'latin1'));
      upstream.fin();
      await client.waitForEnd();
      await eventually(() => bed.ends.length, ++asked);
      upstream.stream.destroy();
      await eventually(() => target.open, 0);
    }),
    { numRuns: 150 },
  );
  const client = bed.connect();
  client.send(head('GET / HTTP/1.1', 'Host: a'));
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 204 No Content'));
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 204 No Content');
});
