import { answer, ask, found, openWebSocket, webSocket } from './http-visits.ts';
import type { Row } from './row.ts';

/** Files in which requests go on. */
export const httpRequestRows: readonly Row[] = [
  {
    file: 'http-forward',
    seen: {
      'a request and its answer': {
        visit: async (bed) => void (await answer(bed, await ask(bed, 'GET /path?query=1'), found)),
        story: [
          'origin: GET /path?query=1 HTTP/1.1 | host: host.com | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'what belongs to one connection does not go on': {
        visit: async (bed) => {
          const fields =
            'connection: x-one, keep-alive\r\nx-one: 1\r\nkeep-alive: 5\r\nte: trailers, gzip\r\nx-two: 2\r\n';
          const own = 'connection: x-three, close\r\nx-three: 3\r\nx-four: 4\r\n';
          await answer(bed, await ask(bed, 'GET /', fields), `HTTP/1.1 200 OK\r\n${own}content-length: 0\r\n\r\n`);
        },
        story: [
          'origin: GET / HTTP/1.1 | host: host.com | te: trailers | x-forwarded-proto: http | x-request-id: * | x-two: 2',
          'client: HTTP/1.1 200 | content-length: 0 | x-four: 4 | x-three: 3',
        ],
        better: {
          because: 'what an answer says of its own connection does not go on (RFC 9110, section 7.6.1)',
          story: [
            'origin: GET / HTTP/1.1 | host: host.com | te: trailers | x-forwarded-proto: http | x-request-id: * | x-two: 2',
            'client: HTTP/1.1 200 | content-length: 0 | x-four: 4',
          ],
        },
      },
      'a body of a known length': {
        visit: async (bed) =>
          void (await answer(bed, await ask(bed, 'POST /', 'content-length: 4\r\n', 'ping'), found)),
        story: [
          'origin: POST / HTTP/1.1 | content-length: 4 | host: host.com | x-forwarded-proto: http | x-request-id: * | "ping"',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'what the client expects is for the origin to judge': {
        visit: async (bed) => {
          const fields = 'expect: the-moon\r\ncontent-length: 4\r\n';
          await answer(bed, await ask(bed, 'POST /', fields, 'ping'), found);
        },
        story: [
          'origin: POST / HTTP/1.1 | content-length: 4 | expect: the-moon | host: host.com | x-forwarded-proto: http | x-request-id: * | "ping"',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'a body of an unknown length': {
        visit: async (bed) => {
          const chunked = 'transfer-encoding: chunked\r\n';
          const client = await ask(bed, 'POST /', chunked, '4\r\nping\r\n0\r\n\r\n');
          const origin = await bed.origin.accept();
          await bed.story.tellMessage('origin', origin);
          await bed.story.tellBytes('origin', origin, '4\r\nping\r\n0\r\n\r\n'.length);
          origin.send(`HTTP/1.1 200 OK\r\nconnection: close\r\n${chunked}\r\n4\r\npong\r\n0\r\n\r\n`);
          await bed.story.tellMessage('client', client);
          await bed.story.tellBytes('client', client, '4\r\npong\r\n0\r\n\r\n'.length);
        },
        story: [
          'origin: POST / HTTP/1.1 | host: host.com | transfer-encoding: chunked | x-forwarded-proto: http | x-request-id: *',
          'origin: "4\\r\\nping\\r\\n0\\r\\n\\r\\n"',
          'client: HTTP/1.1 200 | transfer-encoding: chunked',
          'client: "4\\r\\npong\\r\\n0\\r\\n\\r\\n"',
        ],
      },
      'who asked through others': {
        visit: async (bed) => {
          const fields = 'x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\nx-request-id: mine\r\n';
          await answer(bed, await ask(bed, 'GET /', fields), found);
        },
        story: [
          'origin: GET / HTTP/1.1 | host: host.com | x-forwarded-for: 192.0.2.1 | x-forwarded-proto: https | x-request-id: *',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
        ],
      },
      'an answer that is cut': {
        visit: async (bed) => {
          const client = await ask(bed, 'GET /');
          const origin = await bed.origin.accept();
          await origin.readHead();
          origin.send('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel');
          await client.readHead();
          await bed.story.tellBytes('client', client, 3);
          origin.reset();
          await client.waitForEnd();
          bed.story.tell('client', `${client.inbox.size} bytes more`);
        },
        story: ['client: "hel"', 'client: 0 bytes more'],
      },
      'an origin that says nothing': {
        visit: async (bed) => {
          const client = await ask(bed, 'POST /', 'content-length: 0\r\n');
          const origin = await bed.origin.accept();
          await origin.readHead();
          origin.fin();
          await bed.story.tellStatus('client', client);
        },
        story: ['client: 503'],
      },
      'a request over HTTP/2': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          const client = session.ask({
            ':method': 'GET',
            ':path': '/path',
            ':authority': 'host.com',
            ':scheme': 'http',
          });
          const origin = await bed.origin.accept();
          await bed.story.tellMessage('origin', origin);
          origin.send(found);
          bed.story.tell('client', await client.answer());
          await bed.story.tellEnd('client', client);
        },
        story: [
          'origin: GET /path HTTP/1.1 | host: host.com | x-forwarded-proto: http | x-request-id: *',
          'client: :status: 200 | content-length: 5 | x-made-by: origin',
          'client: "hello", fin',
        ],
      },
    },
  },
  {
    file: 'http-to-h2',
    seen: {
      'fields after the body': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          const head = { ':method': 'POST', ':path': '/path', ':authority': 'host.com', ':scheme': 'http' };
          const client = session.ask(head, 'open');
          client.send('ping');
          client.fin();
          const origin = await bed.h2origin.accept();
          bed.story.tell('origin', origin.head);
          await bed.story.tellEnd('origin', origin);
          origin.answer(200, { 'x-made-by': 'origin' });
          origin.endWith('pong', { 'x-after': '1' });
          bed.story.tell('client', await client.answer());
          await bed.story.tellEnd('client', client);
          bed.story.tell('client', client.trailers().join());
        },
        story: [
          'origin: :authority: host.com | :method: POST | :path: /path | :scheme: http | x-forwarded-proto: http | x-request-id: *',
          'origin: "ping", fin',
          'client: :status: 200 | x-made-by: origin',
          'client: "pong", fin',
          'client: x-after: 1',
        ],
      },
      'from HTTP/1.1': {
        visit: async (bed) => {
          const client = await ask(bed, 'GET /path');
          const origin = await bed.h2origin.accept();
          bed.story.tell('origin', origin.head);
          origin.answer(204, {}, 'ended');
          await bed.story.tellMessage('client', client);
        },
        story: [
          'origin: :authority: host.com | :method: GET | :path: /path | :scheme: http | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 204',
        ],
      },
    },
  },
  {
    file: 'http-upgrade',
    seen: {
      'the client ends first': {
        visit: async (bed) => {
          const { client, origin } = await openWebSocket(bed);
          client.fin();
          await bed.story.tellEnd('origin', origin);
          origin.send('last');
          origin.fin();
          await bed.story.tellEnd('client', client);
        },
        story: [
          'origin: GET /chat HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 101 | connection: upgrade | upgrade: websocket',
          'origin: "ping"',
          'client: "pong"',
          'origin: fin',
          'client: fin',
        ],
        better: {
          because: 'one side that ends leaves the other its say',
          story: [
            'origin: GET /chat HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-forwarded-proto: http | x-request-id: *',
            'client: HTTP/1.1 101 | connection: upgrade | upgrade: websocket',
            'origin: "ping"',
            'client: "pong"',
            'origin: fin',
            'client: "last", fin',
          ],
        },
      },
      'the origin ends first': {
        visit: async (bed) => {
          const { client, origin } = await openWebSocket(bed);
          origin.fin();
          await bed.story.tellEnd('client', client);
          client.fin();
          await bed.story.tellEnd('origin', origin);
        },
        story: [
          'origin: GET /chat HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 101 | connection: upgrade | upgrade: websocket',
          'origin: "ping"',
          'client: "pong"',
          'client: fin',
          'origin: fin',
        ],
      },
      'an origin that does not switch': {
        visit: async (bed) => void (await answer(bed, await ask(bed, 'GET /', webSocket), found)),
        story: [
          'origin: GET / HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | connection: close | content-length: 0 | x-made-by: origin',
        ],
        better: {
          because: 'the answer of an origin that does not switch comes whole',
          story: [
            'origin: GET / HTTP/1.1 | connection: upgrade | host: host.com | sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ== | upgrade: websocket | x-forwarded-proto: http | x-request-id: *',
            'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
          ],
        },
      },
      'another protocol': {
        visit: async (bed) =>
          bed.story.tellStatus('client', await ask(bed, 'GET /', 'connection: upgrade\r\nupgrade: other\r\n')),
        story: ['client: 403'],
      },
      'where it is not allowed': {
        visit: async (bed) => bed.story.tellStatus('client', await ask(bed, 'GET /', webSocket, '', 'front2')),
        story: ['client: 403'],
      },
    },
  },
];
