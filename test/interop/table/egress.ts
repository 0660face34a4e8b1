import type { Socket } from 'node:net';
import type { Bed, Door } from '../support/bed.ts';
import { answer, ask, found } from './http-visits.ts';
import type { Row } from './row.ts';
import { answered, askH1, askH2, exchange, tellRefusals } from './terminate-visits.ts';

/** Asks for a page of a host, and tells the status. */
async function tellPage(bed: Bed, host: string, door: Door = 'front', path = '/'): Promise<void> {
  const client = await bed.connect(door);
  client.send(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  await bed.story.tellStatus(host, client);
}

/** Files that let some requests and tunnels out, by what they ask for. */
export const egressRows: readonly Row[] = [
  {
    file: 'connect-ports',
    seen: {
      'ports that are open': {
        visit: async (bed) => {
          for (const target of ['host.com:443', 'git.example.com:22']) {
            await exchange(bed, await answered(bed, await askH1(bed, target)));
            await exchange(bed, await answered(bed, await askH2(bed, target)));
          }
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'ports that are closed': {
        visit: (bed) => tellRefusals(bed, ['host.com:80', 'svn.example.com:22', 'git.example.com:2222']),
        story: [
          'h1 host.com:80: 403',
          'h2 host.com:80: :status: 403',
          'h1 svn.example.com:22: 403',
          'h2 svn.example.com:22: :status: 403',
          'h1 git.example.com:2222: 403',
          'h2 git.example.com:2222: :status: 403',
        ],
      },
      'the page beside them': {
        visit: async (bed) => {
          await bed.story.tellMessage('page', await ask(bed, 'GET /healthz', 'connection: close\r\n'));
          await tellPage(bed, 'host.com');
        },
        story: [
          'page: HTTP/1.1 200 | connection: close | content-length: 3 | content-type: text/plain | "ok\\n"',
          'host.com: 404',
        ],
        better: {
          because: 'a text says in what it is written',
          story: [
            'page: HTTP/1.1 200 | connection: close | content-length: 3 | content-type: text/plain; charset=utf-8 | "ok\\n"',
            'host.com: 404',
          ],
        },
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 8),
        story: [
          'log: CONNECT host.com:80 403',
          'log: CONNECT host.com:80 403',
          'log: CONNECT svn.example.com:22 403',
          'log: CONNECT svn.example.com:22 403',
          'log: CONNECT git.example.com:2222 403',
          'log: CONNECT git.example.com:2222 403',
          'log: GET host.com 200',
          'log: GET host.com 404',
        ],
      },
    },
  },
  {
    file: 'egress-allow',
    seen: {
      'hosts that may be reached': {
        visit: async (bed) => {
          const { port } = bed.origin;
          await exchange(bed, await answered(bed, await askH1(bed, `localhost:${port}`)));
          await exchange(bed, await answered(bed, await askH2(bed, `localhost:${port}`)));
          const client = await bed.connect();
          client.send(
            `GET http://localhost:${port}/a HTTP/1.1\r\nhost: localhost:${port}\r\nconnection: close\r\n\r\n`,
          );
          await answer(bed, client, found);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
          'origin: GET /a HTTP/1.1 | host: localhost:ORIGIN | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'hosts that may not, or are not there': {
        visit: async (bed) => {
          await tellRefusals(bed, ['127.0.0.1:1', 'bad.example:443', 'good.example:443']);
          await tellPage(bed, 'bad.example');
          await tellPage(bed, 'localhost');
          await tellPage(bed, 'localhost:1');
        },
        story: [
          'h1 127.0.0.1:1: 403',
          'h2 127.0.0.1:1: :status: 403',
          'h1 bad.example:443: 403',
          'h2 bad.example:443: :status: 403',
          'h1 good.example:443: 403',
          'h2 good.example:443: :status: 403',
          'bad.example: 403',
          'localhost: 403',
          'localhost:1: 503',
        ],
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 10),
        story: [
          'log: GET localhost:ORIGIN 200',
          'log: CONNECT 127.0.0.1:1 403',
          'log: CONNECT 127.0.0.1:1 403',
          'log: CONNECT bad.example:443 403',
          'log: CONNECT bad.example:443 403',
          'log: CONNECT good.example:443 403',
          'log: CONNECT good.example:443 403',
          'log: GET bad.example 403',
          'log: GET localhost 403',
          'log: GET localhost:1 503',
        ],
      },
    },
  },
  {
    file: 'http-ports',
    seen: {
      'without any port': {
        visit: async (bed) => {
          await exchange(bed, await answered(bed, await askH1(bed, 'one.example:443')));
          await tellRefusals(bed, ['two.example:443']);
          for (const host of ['two.example', 'two.example:80']) await tellPage(bed, host);
          const client = await bed.connect();
          client.send('GET / HTTP/1.1\r\nhost: one.example:8080\r\nconnection: close\r\n\r\n');
          await answer(bed, client, found);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'h1 two.example:443: 403',
          'h2 two.example:443: :status: 403',
          'two.example: 418',
          'two.example:80: 418',
          'origin: GET / HTTP/1.1 | host: one.example | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'a CONNECT that goes on names its port': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('CONNECT onward.example:443 HTTP/1.1\r\nhost: onward.example:443\r\n\r\n');
          const upstream = await bed.origin.accept();
          await bed.story.tellMessage('origin', upstream);
        },
        story: [
          'origin: CONNECT onward.example:443 HTTP/1.1 | host: onward.example:443 | x-asked: onward.example | x-forwarded-proto: http | x-request-id: *',
        ],
      },
      'domains, conditions and answers have no port': {
        visit: async (bed) => {
          for (const host of ['port.example:80', 'bare.example:80']) await tellPage(bed, host);
          const client = await bed.connect();
          client.send('GET /moved HTTP/1.1\r\nhost: bare.example:8080\r\nconnection: close\r\n\r\n');
          await bed.story.tellMessage('moved', client);
        },
        story: [
          'port.example:80: 418',
          'bare.example:80: 207',
          'moved: HTTP/1.1 301 | connection: close | content-length: 0 | location: http://bare.example/new',
        ],
      },
      'without the port of the listener': {
        visit: async (bed) => {
          await tellRefusals(bed, ['one.example:443'], 'front2');
          for (const host of ['two.example', 'one.example:80']) await tellPage(bed, host, 'front2');
          const client = await bed.connect('front2');
          client.send('GET / HTTP/1.1\r\nhost: one.example\r\nconnection: close\r\n\r\n');
          await answer(bed, client, found);
          const own = await bed.connect('front2');
          const { remotePort } = own.stream as Socket;
          own.send(`GET / HTTP/1.1\r\nhost: one.example:${remotePort}\r\nconnection: close\r\n\r\n`);
          await answer(bed, own, found);
        },
        story: [
          'h1 one.example:443: 403',
          'h2 one.example:443: :status: 403',
          'two.example: 418',
          'one.example:80: 418',
          'origin: GET / HTTP/1.1 | host: one.example | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
          'origin: GET / HTTP/1.1 | host: one.example | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
    },
  },
  {
    file: 'codecs',
    seen: {
      'each version at its port': {
        visit: async (bed) => {
          await exchange(bed, await answered(bed, await askH1(bed)));
          await exchange(bed, await answered(bed, await askH2(bed, 'host.com:443', {}, 'front2')));
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'client: :status: 200',
          'origin: "ping"',
          'client: "pong"',
        ],
      },
      'each version at the other port': {
        visit: async (bed) => {
          const first = await bed.connect();
          first.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
          await bed.story.tellStatus('first', first);
          const second = await askH1(bed, 'host.com:443', '', 'front2');
          await second.waitForEnd();
          bed.story.tell('second', second.inbox.farEnd);
        },
        story: ['first: 400', 'second: fin'],
        better: { because: 'the status names what is wrong: the version', story: ['first: 505', 'second: fin'] },
      },
    },
  },
];
