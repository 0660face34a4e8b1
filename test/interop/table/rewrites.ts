import type { Bed } from '../support/bed.ts';
import { found } from './http-visits.ts';
import type { Row } from './row.ts';
import { askH1 } from './terminate-visits.ts';

/** Sends a request and tells what the origin is asked for. */
async function tellAsked(bed: Bed, path: string, fields = ''): Promise<void> {
  const client = await bed.connect();
  client.send(`GET ${path} HTTP/1.1\r\nhost: a.example\r\n${fields}connection: close\r\n\r\n`);
  const origin = await bed.origin.accept();
  const head = await origin.readHead();
  const told = head.split('\r\n').filter((line) => /^(?:GET|host:|x-envoy-original)/i.test(line));
  bed.story.tell(path, told.toSorted().join(' | '));
  origin.send(found);
  await client.waitForEnd();
}

/** Files in which requests are changed on their way. */
export const rewriteRows: readonly Row[] = [
  {
    file: 'http-redirects',
    seen: {
      'each part of the address that a redirect changes': {
        visit: async (bed) => {
          const asked = [
            '/https?x=1',
            '/port',
            '/host/a?b',
            '/path/a?b',
            '/query?b',
            '/strip?b',
            '/old/a?b',
            '/both',
            '/same?a',
          ];
          for (const host of ['host.com', 'host.com:80', 'host.com:8080']) {
            for (const path of asked) {
              const client = await bed.connect();
              client.send(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
              const head = await client.readHead();
              bed.story.tell(`${host}${path}`, `${head.slice(9, 12)} ${/^location: (.*?)\r?$/im.exec(head)?.[1]}`);
            }
          }
          const client = await bed.connect();
          client.send('GET /same HTTP/1.1\r\nhost: host.com\r\nx-forwarded-proto: https\r\n\r\n');
          bed.story.tell('told', `${/^location: (.*?)\r?$/im.exec(await client.readHead())?.[1]}`);
        },
        story: [
          'host.com/https?x=1: 301 https://host.com/https?x=1',
          'host.com/port: 301 HTTPS://host.com:8443/port',
          'host.com/host/a?b: 302 http://new.example.com/host/a?b',
          'host.com/path/a?b: 301 http://host.com/new?b',
          'host.com/query?b: 301 http://host.com/new?own=1',
          'host.com/strip?b: 303 http://host.com/strip',
          'host.com/old/a?b: 307 http://host.com/new/a?b',
          'host.com/both: 308 http://a.example:81:82/',
          'host.com/same?a: 301 http://host.com/same?a',
          'host.com:80/https?x=1: 301 https://host.com/https?x=1',
          'host.com:80/port: 301 HTTPS://host.com:8443/port',
          'host.com:80/host/a?b: 302 http://new.example.com/host/a?b',
          'host.com:80/path/a?b: 301 http://host.com:80/new?b',
          'host.com:80/query?b: 301 http://host.com:80/new?own=1',
          'host.com:80/strip?b: 303 http://host.com:80/strip',
          'host.com:80/old/a?b: 307 http://host.com:80/new/a?b',
          'host.com:80/both: 308 http://a.example:81:82/',
          'host.com:80/same?a: 301 http://host.com:80/same?a',
          'host.com:8080/https?x=1: 301 https://host.com:8080/https?x=1',
          'host.com:8080/port: 301 HTTPS://host.com:8443/port',
          'host.com:8080/host/a?b: 302 http://new.example.com/host/a?b',
          'host.com:8080/path/a?b: 301 http://host.com:8080/new?b',
          'host.com:8080/query?b: 301 http://host.com:8080/new?own=1',
          'host.com:8080/strip?b: 303 http://host.com:8080/strip',
          'host.com:8080/old/a?b: 307 http://host.com:8080/new/a?b',
          'host.com:8080/both: 308 http://a.example:81:82/',
          'host.com:8080/same?a: 301 http://host.com:8080/same?a',
          'told: https://host.com/same',
        ],
      },
    },
  },
  {
    file: 'http-rewrites',
    seen: {
      'prefixes and hosts': {
        visit: async (bed) => {
          for (const path of ['/literal/a?b=c', '/literally', '/slash/a', '/slash/?q', '/exact?z'])
            await tellAsked(bed, path);
          for (const path of ['/auto', '/address', '/named', '/header']) await tellAsked(bed, path);
          await tellAsked(bed, '/header', 'x-host: y.example:9\r\n');
        },
        story: [
          '/literal/a?b=c: GET /new/a?b=c HTTP/1.1 | host: x.example | x-envoy-original-host: a.example | x-envoy-original-path: /literal/a?b=c',
          '/literally: GET /newly HTTP/1.1 | host: x.example | x-envoy-original-host: a.example | x-envoy-original-path: /literally',
          '/slash/a: GET /a HTTP/1.1 | host: a.example | x-envoy-original-path: /slash/a',
          '/slash/?q: GET /?q HTTP/1.1 | host: a.example | x-envoy-original-path: /slash/?q',
          '/exact?z: GET /other?z HTTP/1.1 | host: a.example | x-envoy-original-path: /exact?z',
          '/auto: GET /auto HTTP/1.1 | host: localhost | x-envoy-original-host: a.example',
          '/address: GET /address HTTP/1.1 | host: a.example',
          '/named: GET /named HTTP/1.1 | host: own.example | x-envoy-original-host: a.example',
          '/header: GET /header HTTP/1.1 | host: a.example',
          '/header: GET /header HTTP/1.1 | host: y.example:9 | x-envoy-original-host: a.example',
        ],
      },
      patterns: {
        visit: async (bed) => {
          for (const path of ['/groups/one/two/three?q=/groups/', '/groups/none', '/many/a/a?a', '/empty/eexe?e']) {
            await tellAsked(bed, path);
          }
          for (const path of ['/id/12', '/id/12?x', '/case/Abc?case']) await tellAsked(bed, path);
          for (const fields of ['foo: bar', 'foo: xbar', 'foo: qqr', 'foo: qr']) {
            const client = await bed.connect();
            client.send(`GET / HTTP/1.1\r\nhost: a.example\r\n${fields}\r\nconnection: close\r\n\r\n`);
            await bed.story.tellStatus(fields, client);
          }
        },
        story: [
          '/groups/one/two/three?q=/groups/: GET /x/two/three/y/one?q=/groups/ HTTP/1.1 | host: a.example | x-envoy-original-path: /groups/one/two/three?q=/groups/',
          '/groups/none: GET /groups/none HTTP/1.1 | host: a.example | x-envoy-original-path: /groups/none',
          '/many/a/a?a: GET /mbbny/bb/bb?a HTTP/1.1 | host: a.example | x-envoy-original-path: /many/a/a?a',
          '/empty/eexe?e: GET -/-m-p-t-y-/-x-?e HTTP/1.1 | host: a.example | x-envoy-original-path: /empty/eexe?e',
          '/id/12: GET /found HTTP/1.1 | host: a.example | x-envoy-original-path: /id/12',
          '/id/12?x: GET /found?x HTTP/1.1 | host: a.example | x-envoy-original-path: /id/12?x',
          '/case/Abc?case: GET //Abc?case HTTP/1.1 | host: a.example | x-envoy-original-path: /case/Abc?case',
          'foo: bar: 201',
          'foo: xbar: 404',
          'foo: qqr: 202',
          'foo: qr: 404',
        ],
      },
      'the host of a CONNECT that is passed on': {
        visit: async (bed) => {
          const client = await askH1(bed, 'a.example:443');
          const origin = await bed.origin.accept();
          await bed.story.tellMessage('origin', origin);
          client.reset();
        },
        story: ['origin: CONNECT x.example:1 HTTP/1.1 | host: x.example:1 | x-forwarded-proto: http | x-request-id: *'],
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 22),
        story: [
          'log: x.example /new/a?b=c /literal/a?b=c',
          'log: x.example /newly /literally',
          'log: a.example /a /slash/a',
          'log: a.example /?q /slash/?q',
          'log: a.example /other?z /exact?z',
          'log: localhost /auto /auto',
          'log: a.example /address /address',
          'log: own.example /named /named',
          'log: a.example /header /header',
          'log: y.example:9 /header /header',
          'log: a.example /x/two/three/y/one?q=/groups/ /groups/one/two/three?q=/groups/',
          'log: a.example /groups/none /groups/none',
          'log: a.example /mbbny/bb/bb?a /many/a/a?a',
          'log: a.example -/-m-p-t-y-/-x-?e /empty/eexe?e',
          'log: a.example /found /id/12',
          'log: a.example /found?x /id/12?x',
          'log: a.example //Abc?case /case/Abc?case',
          'log: a.example / /',
          'log: a.example / /',
          'log: a.example / /',
          'log: a.example / /',
          'log: x.example:1 - -',
        ],
      },
    },
  },
];
