import type { Row } from './row.ts';
import { answered, askH1, exchange, openH1, openH2, overH1, overH2, tellRefusals } from './terminate-visits.ts';

/** Files that refuse tunnels, look into them, limit and log them, or pass them on. */
export const terminateRequestRows: readonly Row[] = [
  {
    file: 'terminate-refusals',
    seen: {
      'each with its status': {
        visit: async (bed) => {
          const ports = ['dead.com:443', 'dead.com:444', 'path.com:443', 'forbidden.com:443', 'other.com:443'];
          await tellRefusals(bed, [...ports, 'bare.com:22', 'bare.com:80', 'a.bare.com:443', 'star.com:22']);
          await tellRefusals(bed, ['any.com:443'], 'front2');
        },
        story: [
          'h1 dead.com:443: 503',
          'h2 dead.com:443: :status: 503',
          'h1 dead.com:444: 404',
          'h2 dead.com:444: :status: 404',
          'h1 path.com:443: 404',
          'h2 path.com:443: :status: 404',
          'h1 forbidden.com:443: 403',
          'h2 forbidden.com:443: :status: 403',
          'h1 other.com:443: 404',
          'h2 other.com:443: :status: 404',
          'h1 bare.com:22: 404',
          'h2 bare.com:22: :status: 404',
          'h1 bare.com:80: 404',
          'h2 bare.com:80: :status: 404',
          'h1 a.bare.com:443: 404',
          'h2 a.bare.com:443: :status: 404',
          'h1 star.com:22: 503',
          'h2 star.com:22: :status: 503',
          'h1 any.com:443: 403',
          'h2 any.com:443: :status: 403',
        ],
      },
    },
  },
  {
    file: 'terminate-internal',
    seen: {
      'HTTP in a tunnel': {
        visit: async (bed) => {
          for (const client of [await openH1(bed), await openH2(bed)]) {
            client.send('GET /any HTTP/1.1\r\nhost: inner\r\n\r\n');
            await bed.story.tellMessage('client', client);
            client.fin();
            await bed.story.tellEnd('client', client);
          }
        },
        story: [
          'client: HTTP/1.1 200',
          'client: :status: 200',
          'client: HTTP/1.1 200 | content-length: 14 | content-type: text/plain | "Hello, world!\\n"',
          'client: fin',
          'client: HTTP/1.1 200 | content-length: 14 | content-type: text/plain | "Hello, world!\\n"',
          'client: fin',
        ],
        better: {
          because: 'a text says in what it is written',
          story: [
            'client: HTTP/1.1 200',
            'client: :status: 200',
            'client: HTTP/1.1 200 | content-length: 14 | content-type: text/plain; charset=utf-8 | "Hello, world!\\n"',
            'client: fin',
            'client: HTTP/1.1 200 | content-length: 14 | content-type: text/plain; charset=utf-8 | "Hello, world!\\n"',
            'client: fin',
          ],
        },
      },
    },
  },
  {
    file: 'terminate-idle',
    seen: {
      'over HTTP/1.1': {
        visit: overH1.silent,
        story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'client: fin', 'origin: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['client: HTTP/1.1 200', 'origin: "ping"', 'client: "pong"', 'client: reset', 'origin: reset'],
        },
      },
      'over HTTP/2': {
        visit: overH2.silent,
        story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'client: reset', 'origin: fin'],
        better: {
          because: 'what was cut, or came to nothing, ends with a reset: a clean end would look like a whole answer',
          story: ['client: :status: 200', 'origin: "ping"', 'client: "pong"', 'client: reset', 'origin: reset'],
        },
      },
    },
  },
  {
    file: 'terminate-log',
    seen: {
      'tunnels and refusals': {
        visit: async (bed) => {
          const client = await askH1(bed, 'open.com:443');
          const origin = await exchange(bed, await answered(bed, client));
          client.fin();
          origin.fin();
          await bed.tellLog('access.log', 1);
          await tellRefusals(bed, ['dead.com:443']);
          await bed.tellLog('access.log', 3);
          await tellRefusals(bed, ['other.com:443']);
          await bed.tellLog('access.log', 5);
        },
        story: [
          'client: HTTP/1.1 200',
          'origin: "ping"',
          'client: "pong"',
          'access.log: CONNECT open.com:443 HTTP/1.1 200 DC 4 origin',
          'h1 dead.com:443: 503',
          'h2 dead.com:443: :status: 503',
          'access.log: CONNECT open.com:443 HTTP/1.1 200 DC 4 origin',
          'access.log: CONNECT dead.com:443 HTTP/1.1 503 UF 0 dead',
          'access.log: CONNECT dead.com:443 HTTP/2 503 UF 0 dead',
          'h1 other.com:443: 404',
          'h2 other.com:443: :status: 404',
          'access.log: CONNECT open.com:443 HTTP/1.1 200 DC 4 origin',
          'access.log: CONNECT dead.com:443 HTTP/1.1 503 UF 0 dead',
          'access.log: CONNECT dead.com:443 HTTP/2 503 UF 0 dead',
          'access.log: CONNECT other.com:443 HTTP/1.1 404 NR 0 -',
          'access.log: CONNECT other.com:443 HTTP/2 404 NR 0 -',
        ],
        better: {
          because: 'a client that ended cleanly has not cut anything',
          story: [
            'client: HTTP/1.1 200',
            'origin: "ping"',
            'client: "pong"',
            'access.log: CONNECT open.com:443 HTTP/1.1 200 - 4 origin',
            'h1 dead.com:443: 503',
            'h2 dead.com:443: :status: 503',
            'access.log: CONNECT open.com:443 HTTP/1.1 200 - 4 origin',
            'access.log: CONNECT dead.com:443 HTTP/1.1 503 UF 0 dead',
            'access.log: CONNECT dead.com:443 HTTP/2 503 UF 0 dead',
            'h1 other.com:443: 404',
            'h2 other.com:443: :status: 404',
            'access.log: CONNECT open.com:443 HTTP/1.1 200 - 4 origin',
            'access.log: CONNECT dead.com:443 HTTP/1.1 503 UF 0 dead',
            'access.log: CONNECT dead.com:443 HTTP/2 503 UF 0 dead',
            'access.log: CONNECT other.com:443 HTTP/1.1 404 NR 0 -',
            'access.log: CONNECT other.com:443 HTTP/2 404 NR 0 -',
          ],
        },
      },
    },
  },
  {
    file: 'forward-connect',
    seen: {
      'over HTTP/1.1': {
        visit: async (bed) => {
          const client = await askH1(bed, 'host.com:443', 'x-asked: 1\r\n');
          const proxy = await bed.origin.accept();
          await bed.story.tellMessage('proxy', proxy);
          proxy.send('HTTP/1.1 200 OK\r\nx-answered: 1\r\n\r\nhello');
          await bed.story.tellMessage('client', client);
          await bed.story.tellBytes('client', client, 5);
          client.send('ping');
          await bed.story.tellBytes('proxy', proxy, 4);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443 | x-asked: 1 | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | x-answered: 1',
          'client: "hello"',
          'proxy: "ping"',
        ],
      },
      'over HTTP/2': {
        visit: async (bed) => {
          const client = await askH1(bed, 'host.com:443', 'x-asked: 1\r\n', 'front2');
          const proxy = await bed.h2origin.accept();
          bed.story.tell('proxy', proxy.head);
          proxy.answer(200, { 'x-answered': '1' });
          proxy.send('hello');
          await bed.story.tellMessage('client', client);
          await bed.story.tellBytes('client', client, 5);
          client.send('ping');
          await bed.story.tellBytes('proxy', proxy, 4);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT | x-asked: 1 | x-forwarded-proto: http | x-request-id: *',
          'client: HTTP/1.1 200 | x-answered: 1',
          'client: "hello"',
          'proxy: "ping"',
        ],
      },
      'a refusal comes as it is': {
        visit: async (bed) => {
          const client = await askH1(bed);
          const proxy = await bed.origin.accept();
          await proxy.readHead();
          proxy.send('HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 4\r\n\r\nwho?');
          await bed.story.tellMessage('client', client);
        },
        story: ['client: HTTP/1.1 407 | connection: close | content-length: 4 | proxy-authenticate: Basic | "who?"'],
      },
    },
  },
];
