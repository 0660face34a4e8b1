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
