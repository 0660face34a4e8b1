import { answer, ask, found } from './http-visits.ts';
import type { Row } from './row.ts';

/** Files in which requests are answered, or wait too long. */
export const httpAnswerRows: readonly Row[] = [
  {
    file: 'http-hosts',
    seen: {
      'the most exact host wins': {
        visit: async (bed) => {
          const names = [
            'www.example.com',
            'WWW.example.com',
            'a.example.com',
            'a.example.com:8080',
            'b.deep.example.com',
          ];
          for (const host of [...names, 'example.com', 'www.other.com', 'other.com', 'www.example.com:80']) {
            const client = await bed.connect();
            client.send(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
            await bed.story.tellMessage(host, client);
          }
        },
        story: [
          'www.example.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "exact"',
          'WWW.example.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "exact"',
          'a.example.com: HTTP/1.1 200 | content-length: 3 | content-type: text/plain | "end"',
          'a.example.com:8080: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "exact"',
          'b.deep.example.com: HTTP/1.1 200 | content-length: 6 | content-type: text/plain | "longer"',
          'example.com: HTTP/1.1 200 | content-length: 4 | content-type: text/plain | "rest"',
          'www.other.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "start"',
          'other.com: HTTP/1.1 200 | content-length: 4 | content-type: text/plain | "rest"',
          'www.example.com:80: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "start"',
        ],
        better: {
          because: 'a text says in what it is written',
          story: [
            'www.example.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "exact"',
            'WWW.example.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "exact"',
            'a.example.com: HTTP/1.1 200 | content-length: 3 | content-type: text/plain; charset=utf-8 | "end"',
            'a.example.com:8080: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "exact"',
            'b.deep.example.com: HTTP/1.1 200 | content-length: 6 | content-type: text/plain; charset=utf-8 | "longer"',
            'example.com: HTTP/1.1 200 | content-length: 4 | content-type: text/plain; charset=utf-8 | "rest"',
            'www.other.com: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "start"',
            'other.com: HTTP/1.1 200 | content-length: 4 | content-type: text/plain; charset=utf-8 | "rest"',
            'www.example.com:80: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "start"',
          ],
        },
      },
    },
  },
  {
    file: 'http-routes',
    seen: {
      'the first route that fits wins': {
        visit: async (bed) => {
          const requests = [
            ['GET /exact'],
            ['GET /exact?query'],
            ['GET /exact/'],
            ['GET /any', 'x-kind: a'],
            ['DELETE /any', 'x-kind: a'],
            ['GET /any', 'x-kind: but'],
            ['GET /nothing'],
            ['GET /not', 'x-kind: c'],
            ['GET /deep/er'],
            ['GET /deep'],
            ['GET /teapot'],
            ['GET /Teapot'],
          ] as const;
          for (const [first, field] of requests) {
            const client = await ask(bed, first, field && `${field}\r\n`);
            await bed.story.tellMessage([first, field].join(' ').trim(), client);
          }
        },
        story: [
          'GET /exact: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "exact"',
          'GET /exact?query: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "exact"',
          'GET /exact/: HTTP/1.1 404 | content-length: 0',
          'GET /any x-kind: a: HTTP/1.1 200 | content-length: 3 | content-type: text/plain | "get"',
          'DELETE /any x-kind: a: HTTP/1.1 404 | content-length: 0',
          'GET /any x-kind: but: HTTP/1.1 200 | content-length: 6 | content-type: text/plain | "starts"',
          'GET /nothing: HTTP/1.1 200 | content-length: 3 | content-type: text/plain | "not"',
          'GET /not x-kind: c: HTTP/1.1 404 | content-length: 0',
          'GET /deep/er: HTTP/1.1 200 | content-length: 4 | content-type: text/plain | "deep"',
          'GET /deep: HTTP/1.1 404 | content-length: 0',
          'GET /teapot: HTTP/1.1 418 | content-length: 0',
          'GET /Teapot: HTTP/1.1 404 | content-length: 0',
        ],
        better: {
          because: 'a text says in what it is written, and a refusal says why',
          story: [
            'GET /exact: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "exact"',
            'GET /exact?query: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "exact"',
            'GET /exact/: HTTP/1.1 404 | content-length: 40 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_error | "tunl: no route of the virtual host fits\\n"',
            'GET /any x-kind: a: HTTP/1.1 200 | content-length: 3 | content-type: text/plain; charset=utf-8 | "get"',
            'DELETE /any x-kind: a: HTTP/1.1 404 | content-length: 40 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_error | "tunl: no route of the virtual host fits\\n"',
            'GET /any x-kind: but: HTTP/1.1 200 | content-length: 6 | content-type: text/plain; charset=utf-8 | "starts"',
            'GET /nothing: HTTP/1.1 200 | content-length: 3 | content-type: text/plain; charset=utf-8 | "not"',
            'GET /not x-kind: c: HTTP/1.1 404 | content-length: 40 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_error | "tunl: no route of the virtual host fits\\n"',
            'GET /deep/er: HTTP/1.1 200 | content-length: 4 | content-type: text/plain; charset=utf-8 | "deep"',
            'GET /deep: HTTP/1.1 404 | content-length: 40 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_error | "tunl: no route of the virtual host fits\\n"',
            'GET /teapot: HTTP/1.1 418 | content-length: 0',
            'GET /Teapot: HTTP/1.1 404 | content-length: 40 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_error | "tunl: no route of the virtual host fits\\n"',
          ],
        },
      },
    },
  },
  {
    file: 'http-timeouts',
    seen: {
      'an answer that takes too long': {
        visit: async (bed) => bed.story.tellStatus('client', await ask(bed, 'GET /slow')),
        story: ['client: 504'],
      },
      'a request that stalls': {
        visit: async (bed) => bed.story.tellStatus('client', await ask(bed, 'GET /stall')),
        story: ['client: 504'],
      },
      'a client that stalls': {
        visit: async (bed) =>
          bed.story.tellStatus('client', await ask(bed, 'POST /stall', 'content-length: 8\r\n', 'ping')),
        story: ['client: 408'],
      },
    },
  },
  {
    file: 'http-dead',
    seen: {
      'the status says that nobody is there': {
        visit: async (bed) => bed.story.tellStatus('client', await ask(bed, 'GET /')),
        story: ['client: 503'],
      },
    },
  },
  {
    file: 'http-hosts-no-port',
    seen: {
      'the port of a request is not compared': {
        visit: async (bed) => {
          const names = [
            'www.example.com:80',
            'a.example.com:8080',
            'b.deep.example.com:1',
            'www.other.com:x',
            'other:5',
          ];
          for (const host of names) {
            const client = await bed.connect();
            client.send(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
            await bed.story.tellStatus(host, client);
            await bed.story.tellBytes(host, client, 3);
          }
          const client = await bed.connect();
          client.send('CONNECT proxy.example.com:443 HTTP/1.1\r\nhost: proxy.example.com:443\r\n\r\n');
          await bed.story.tellStatus('tunnel', client);
        },
        story: [
          'www.example.com:80: 200',
          'www.example.com:80: "exa"',
          'a.example.com:8080: 200',
          'a.example.com:8080: "end"',
          'b.deep.example.com:1: 200',
          'b.deep.example.com:1: "lon"',
          'www.other.com:x: 200',
          'www.other.com:x: "sta"',
          'other:5: 200',
          'other:5: "res"',
          'tunnel: 403',
        ],
      },
    },
  },
  {
    file: 'http-log',
    seen: {
      'a line for each request': {
        visit: async (bed) => {
          await bed.story.tellMessage('client', await ask(bed, 'GET /found?x=1', 'x-kind: abcdef\r\n'));
          await bed.tellLog('access.log', 1);
          await answer(bed, await ask(bed, 'POST /origin', 'content-length: 4\r\nx-other: other\r\n', 'ping'), found);
          await bed.tellLog('access.log', 2);
          for (const path of ['/dead', '/nowhere']) await bed.story.tellStatus('client', await ask(bed, `GET ${path}`));
          await bed.tellLog('access.log', 4);
          await bed.tellLog('access.json', 4);
        },
        story: [
          'client: HTTP/1.1 200 | content-length: 5 | content-type: text/plain | "found"',
          'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
          'origin: POST /origin HTTP/1.1 | content-length: 4 | host: host.com | x-forwarded-proto: http | x-other: other | x-request-id: * | "ping"',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
          'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
          'access.log: POST /origin host.com oth HTTP/1.1 200 - 4 5 origin',
          'client: 503',
          'client: 404',
          'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
          'access.log: POST /origin host.com oth HTTP/1.1 200 - 4 5 origin',
          'access.log: GET /dead host.com - HTTP/1.1 503 UF 0 98 -',
          'access.log: GET /nowhere host.com - HTTP/1.1 404 NR 0 0 -',
          'access.json: {"cluster":null,"kind":"abcdef","path":"/found?x=1","status":200}',
          'access.json: {"cluster":"origin","kind":null,"path":"/origin","status":200}',
          'access.json: {"cluster":"dead","kind":null,"path":"/dead","status":503}',
          'access.json: {"cluster":null,"kind":null,"path":"/nowhere","status":404}',
        ],
        better: {
          because:
            'members of a line stand as in the file, a text says in what it is written, and the reason of a 503 is not counted as its body',
          story: [
            'client: HTTP/1.1 200 | content-length: 5 | content-type: text/plain; charset=utf-8 | "found"',
            'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
            'origin: POST /origin HTTP/1.1 | content-length: 4 | host: host.com | x-forwarded-proto: http | x-other: other | x-request-id: * | "ping"',
            'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
            'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
            'access.log: POST /origin host.com oth HTTP/1.1 200 - 4 5 origin',
            'client: 503',
            'client: 404',
            'access.log: GET /found?x=1 host.com abc HTTP/1.1 200 - 0 5 -',
            'access.log: POST /origin host.com oth HTTP/1.1 200 - 4 5 origin',
            'access.log: GET /dead host.com - HTTP/1.1 503 UF 0 0 -',
            'access.log: GET /nowhere host.com - HTTP/1.1 404 NR 0 0 -',
            'access.json: {"status":200,"path":"/found?x=1","kind":"abcdef","cluster":null}',
            'access.json: {"status":200,"path":"/origin","kind":null,"cluster":"origin"}',
            'access.json: {"status":503,"path":"/dead","kind":null,"cluster":"dead"}',
            'access.json: {"status":404,"path":"/nowhere","kind":null,"cluster":null}',
          ],
        },
      },
    },
  },
];
