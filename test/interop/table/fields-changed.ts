import { answer, ask, found, webSocket } from './http-visits.ts';
import type { Row } from './row.ts';
import { askH1 } from './terminate-visits.ts';

/** Files in which fields of requests and answers are changed. */
export const changedFieldRows: readonly Row[] = [
  {
    file: 'http-fields',
    seen: {
      'every way to change a field': {
        visit: async (bed) => {
          const fields = 'x-a: 1\r\nx-a: 2\r\nx-b: 3\r\nx-all: client\r\nx-gone: client\r\n';
          const reply =
            'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\nx-made-by: origin\r\nx-other: 1\r\nx-secret: 1\r\n\r\nhello';
          await answer(bed, await ask(bed, 'GET /changed/a?b', fields), reply);
        },
        story: [
          'origin: GET /new/a?b HTTP/1.1 | host: x.example | x-a: new | x-all: config | x-all: vhost | x-b: 3 | x-c: c new r% 3 1 fixed | x-d: 1 | x-kept:  | x-r: r% 3 1 | x-v: v GET /changed/a?b host.com',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin-2 | y-c: c r r% 3 1 200 HTTP/1.1 | y-r: r | y-up: ORIGIN | "hello"',
        ],
      },
      'what nothing is known of': {
        visit: async (bed) => void (await answer(bed, await ask(bed, 'GET /changed'), found)),
        story: [
          'origin: GET /new HTTP/1.1 | host: x.example | x-all: config | x-all: vhost | x-b: absent | x-c: c  r%   fixed | x-kept:  | x-r: r% | x-v: v GET /changed host.com',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin-2 | y-c: c r r%   200 HTTP/1.1 | y-r: r | y-up: ORIGIN | "hello"',
        ],
      },
      'an answer of the file': {
        visit: async (bed) => bed.story.tellMessage('client', await ask(bed, 'GET /direct')),
        story: [
          'client: HTTP/1.1 200 | content-length: 2 | content-type: text/html | y-c: c direct  0 HTTP/1.1 | y-r: direct | "hi"',
        ],
      },
      'refusals, but for those without a route': {
        visit: async (bed) => {
          for (const path of ['/dead', '/none']) {
            const client = await ask(bed, `GET ${path}`);
            const head = await client.readHead();
            bed.story.tell(path, head.match(/^HTTP\S+ \d+|^y-.*$/gm)?.join(' | ') ?? '');
          }
          const head = await (await askH1(bed, 'host.com:443')).readHead();
          bed.story.tell('CONNECT', head.match(/^HTTP\S+ \d+|^y-.*$/gm)?.join(' | ') ?? '');
        },
        story: [
          '/dead: HTTP/1.1 503 | y-r: dead | y-c: c dead  0 HTTP/1.1',
          '/none: HTTP/1.1 404',
          'CONNECT: HTTP/1.1 403 | y-r: refused | y-c: c refused  0 HTTP/1.1',
        ],
      },
      'a tunnel': {
        visit: async (bed) => {
          const client = await askH1(bed, 'host.com:443', 'foo: bar\r\n');
          await bed.story.tellMessage('client', client);
          const origin = await bed.origin.accept();
          client.send('ping');
          await bed.story.tellBytes('origin', origin, 4);
          client.reset();
        },
        story: [
          'client: HTTP/1.1 200 | y-c: c tunnel 127.0.0.1 host.com:443 200 HTTP/1.1 | y-r: tunnel | y-up: ORIGIN',
          'origin: "ping"',
        ],
      },
      'a WebSocket': {
        visit: async (bed) => {
          const client = await ask(bed, 'GET /chat', webSocket);
          const switched = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
          await answer(bed, client, switched);
          client.reset();
        },
        story: [
          'origin: GET /chat HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-all: config | x-all: vhost | x-c: c   fixed | x-forwarded-proto: http | x-request-id: * | x-v: v GET /chat host.com http',
          'client: HTTP/1.1 101 | connection: upgrade | upgrade: websocket | y-c: c chat  101 HTTP/1.1 | y-r: chat | y-up: ORIGIN',
        ],
      },
      'over HTTP/2': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          const client = session.ask({
            ':method': 'GET',
            ':path': '/h2',
            ':authority': 'host.com',
            ':scheme': 'http',
            cookie: 'a=1',
          });
          const origin = await bed.h2origin.accept();
          bed.story.tell('origin', origin.head);
          origin.answer(200, { 'x-made-by': 'origin', 'x-secret': '1' });
          origin.fin();
          bed.story.tell('client', await client.answer());
        },
        story: [
          'origin: :authority: host.com | :method: GET | :path: /h2 | :scheme: http | cookie: a=1 | x-all: config | x-all: vhost | x-c: c   h2 | x-forwarded-proto: http | x-request-id: * | x-v: v GET /h2 host.com http',
          'client: :status: 200 | y-c: c vhost  200 HTTP/2 | y-r: vhost | y-up: H2ORIGIN',
        ],
      },
      'the most specific last': {
        visit: async (bed) =>
          void (await answer(bed, await ask(bed, 'GET /', 'x-all: client\r\n', '', 'front2'), found)),
        story: [
          'origin: GET / HTTP/1.1 | host: host.com | x-all: config vhost route | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | y-all: config route | "hello"',
        ],
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 9),
        story: [
          'log: 200 r% 3 1 v GET /changed/a?b host.com ',
          'log: 200 r%   v GET /changed host.com ',
          'log: 200 - -',
          'log: 503 - v GET /dead host.com http',
          'log: 404 - -',
          'log: 403 - -',
          'log: 200 127.0.0.1 host.com:443 v CONNECT  host.com:443 http',
          'log: 101 - v GET /chat host.com http',
          'log: 200 - v GET /h2 host.com http',
        ],
      },
    },
  },
];
