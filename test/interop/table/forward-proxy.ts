import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed } from '../support/bed.ts';
import { answer, found } from './http-visits.ts';
import type { Row } from './row.ts';
import { answered, askH1, exchange } from './terminate-visits.ts';

/** Sends a plain request, as to a proxy, or with `Host` alone. */
async function askPlain(bed: Bed, first: string, host: string, fields = ''): Promise<RawPeer> {
  const client = await bed.connect();
  client.send(`${first} HTTP/1.1\r\nhost: ${host}\r\n${fields}connection: close\r\n\r\n`);
  return client;
}

/** Tells the statuses of requests that lead nowhere. */
async function tellStatuses(bed: Bed, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) await bed.story.tellStatus(host, await askPlain(bed, 'GET /', host));
}

/** Files in which plain requests go wherever they ask, as people write them. */
export const forwardProxyRows: readonly Row[] = [
  {
    file: 'forward-proxy',
    seen: {
      'requests in absolute form and by their host, and tunnels': {
        visit: async (bed) => {
          const { port } = bed.origin;
          const absolute = await askPlain(bed, `GET http://localhost:${port}/a?b=c`, 'other.example');
          await answer(bed, absolute, found);
          await answer(bed, await askPlain(bed, 'GET /d', `127.0.0.1:${port}`), found);
          const tunnel = await answered(bed, await askH1(bed, `localhost:${port}`));
          await exchange(bed, tunnel);
          tunnel.reset();
        },
        story: [
          'origin: GET /a?b=c HTTP/1.1 | host: localhost:ORIGIN | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'origin: GET /d HTTP/1.1 | host: ORIGIN | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'hosts that stand for others, and a cluster that goes elsewhere': {
        visit: async (bed) => {
          await answer(bed, await askPlain(bed, 'GET /a', 'literal.example'), found);
          await answer(bed, await askPlain(bed, 'GET /fixed', 'literal.example'), found);
          const client = await askPlain(bed, 'GET /elsewhere', 'literal.example:80');
          const origin = await bed.origin2.accept();
          await bed.story.tellMessage('origin2', origin);
          origin.send(found);
          await bed.story.tellMessage('client', client);
          const named = `x-host: localhost:${bed.origin.port}\r\n`;
          await answer(bed, await askPlain(bed, 'GET /b', 'header.example', named), found);
          const tunnel = await answered(bed, await askH1(bed, 'literal.example:443'));
          await exchange(bed, tunnel);
          tunnel.reset();
        },
        story: [
          'origin: GET /a HTTP/1.1 | host: localhost:ORIGIN | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'origin: GET /fixed HTTP/1.1 | host: literal.example | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'origin2: GET /elsewhere HTTP/1.1 | host: ORIGIN2 | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'origin: GET /b HTTP/1.1 | host: localhost:ORIGIN | x-forwarded-proto: http | x-host: localhost:ORIGIN | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'statuses where there is nothing': {
        visit: async (bed) => {
          await tellStatuses(bed, ['127.0.0.1:1', 'no.such.invalid', 'no.such.invalid:80', '[::1]:1']);
          await tellStatuses(bed, ['blocked.example', 'www.blocked.example', 'blocked.example:8080']);
          for (const authority of ['127.0.0.1:1', 'no.such.invalid:443', 'blocked.example:443']) {
            await bed.story.tellStatus(`CONNECT ${authority}`, await askH1(bed, authority));
          }
        },
        story: [
          '127.0.0.1:1: 503',
          'no.such.invalid: 503',
          'no.such.invalid:80: 503',
          '[::1]:1: 503',
          'blocked.example: 403',
          'www.blocked.example: 403',
          'blocked.example:8080: 403',
          'CONNECT 127.0.0.1:1: 503',
          'CONNECT no.such.invalid:443: 503',
          'CONNECT blocked.example:443: 404',
        ],
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 18),
        story: [
          'log: GET localhost:ORIGIN 200 asked',
          'log: GET ORIGIN 200 asked',
          'log: CONNECT localhost:ORIGIN 200 asked',
          'log: GET localhost:ORIGIN 200 asked',
          'log: GET literal.example 200 fixed',
          'log: GET ORIGIN2 200 asked',
          'log: GET localhost:ORIGIN 200 asked',
          'log: CONNECT localhost:ORIGIN 200 asked',
          'log: GET 127.0.0.1:1 503 asked',
          'log: GET no.such.invalid 503 asked',
          'log: GET no.such.invalid:80 503 asked',
          'log: GET [::1]:1 503 asked',
          'log: GET blocked.example 403 -',
          'log: GET www.blocked.example 403 -',
          'log: GET blocked.example:8080 403 -',
          'log: CONNECT 127.0.0.1:1 503 asked',
          'log: CONNECT no.such.invalid:443 503 asked',
          'log: CONNECT blocked.example:443 404 -',
        ],
      },
    },
  },
  {
    file: 'forward-proxy-bare',
    seen: {
      'a request, a tunnel and what leads nowhere': {
        visit: async (bed) => {
          await answer(bed, await askPlain(bed, 'GET /a', `localhost:${bed.origin.port}`), found);
          const tunnel = await answered(bed, await askH1(bed, `localhost:${bed.origin.port}`));
          await exchange(bed, tunnel);
          tunnel.reset();
          await tellStatuses(bed, ['127.0.0.1:1', 'no.such.invalid', '127.0.0.1:99999']);
        },
        story: [
          'origin: GET /a HTTP/1.1 | host: localhost:ORIGIN | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          '127.0.0.1:1: 503',
          'no.such.invalid: 503',
          '127.0.0.1:99999: 503',
        ],
      },
    },
  },
];
