import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inTime } from '../../support/eventually.ts';
import { readBody, startRequestBed } from '../../support/harness/request-bed.ts';

interface Sent {
  readonly path: string;
  readonly body: string;
  readonly framing: 'length' | 'chunked';
}

const sent: fc.Arbitrary<Sent> = fc.record({
  path: fc.stringMatching(/^\/[a-z0-9]{0,8}$/),
  body: fc.stringMatching(/^[ -~\r\n]{0,40}$/),
  framing: fc.constantFrom('length', 'chunked'),
});

function write({ path, body, framing }: Sent): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\n`;
  if (framing === 'length') return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const pieces = [body.slice(0, 7), body.slice(7)].filter((piece) => piece !== '');
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}

/** The text in pieces whose lengths are these, over and over. */
function* split(text: string, lengths: readonly number[]): Generator<string> {
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    yield text.slice(at, at + length);
    at += length;
  }
}

test('however the bytes of pipelined requests are cut into pieces, they are the same requests', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 5 }), lengths, async (list, pieces) => {
      const seen: [string, string][] = [];
      const { client, serving } = startRequestBed({
        onRequest: (request) =>
          void readBody(request).then((body) => {
            seen.push([request.target, body]);
            return request.respond(200, [], body);
          }),
      });
      for (const piece of split(list.map(write).join(''), pieces)) client.send(piece);
      client.fin();
      const answers = (await client.readToEnd()).toString('latin1');
      await inTime('the end', serving);
      expect(seen).toEqual(list.map(({ path, body }) => [path, body]));
      expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(list.length);
    }),
    { numRuns: 150 },
  );
});

test('whatever comes, it is answered or given up, and nothing hangs', async () => {
  const fragment = fc.constantFrom(
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    '5\r\nhello\r\n',
    '0\r\n\r\n',
    '\r\n',
    '\n',
    'Content-Length: 3\r\n',
    'x',
    '\u0000',
    'PRI * HTTP/2.0\r\n\r\n',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fragment, { maxLength: 8 }), async (fragments) => {
      const { client, serving } = startRequestBed({
        codec: 'http1',
        onRequest: (request) => {
          const refuse = () => request.respond(400, []);
          void readBody(request).then(() => request.respond(200, []), refuse);
        },
      });
      client.send(fragments.join(''));
      client.fin();
      await inTime(
        'the end',
        serving.catch(() => {}),
      );
      expect(['fin', 'reset']).toContain(await client.waitForEnd());
    }),
    { numRuns: 300 },
  );
});
