import type { Duplex } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { startForwardBed } from '../support/harness/forward-bed.ts';
import { startHttp2Origin } from '../support/peers/h2-origin.ts';

/** Adds the members that undici asks of a connection for HTTP/2. */
function asHttp2(stream: Duplex): Duplex {
  return Object.assign(stream, { ref: () => {}, unref: () => {}, alpnProtocol: 'h2' });
}

test.each(['1.1', '2'])('a client that is not ours gets its answers, over HTTP/%s', async (version) => {
  const target = await startHttp2Origin((stream, { ':path': path, ':method': method }) => {
    stream.respond({ ':status': 200, 'x-path': `${method} ${path}` });
    stream.pipe(stream);
  });
  const bed = startForwardBed({ target, version: 'http2' });
  const client = new Client('http://web', {
    allowH2: version === '2',
    connect: (_, done) => {
      const { stream } = bed.open();
      // In this tick it would not notice, and it takes any stream, whatever its types say.
      setImmediate(() => done(null, (version === '2' ? asHttp2(stream) : stream) as never));
    },
  });
  onTestFinished(() => client.destroy());
  const ask = async (options: Pick<Dispatcher.RequestOptions, 'path' | 'method' | 'body'>) => {
    const { statusCode, headers, body } = await client.request(options);
    return [statusCode, headers['x-path'], await body.text()];
  };
  expect(await ask({ path: '/a?b', method: 'GET' })).toEqual([200, 'GET /a?b', '']);
  const asked = Array.from({ length: 20 }, (_, at) => ask({ path: `/${at}`, method: 'PUT', body: `body ${at}` }));
  expect(await Promise.all(asked)).toEqual(asked.map((_, at) => [200, `PUT /${at}`, `body ${at}`]));
  expect(target.accepted).toBe(1);
});
