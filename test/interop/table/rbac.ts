import { answer, ask, found } from './http-visits.ts';
import type { Row } from './row.ts';

const because = 'a refusal says who gives it, and in what it is written';

/** The answer to what is denied, by a route whose answers have a field more or not. */
const denied = (field = '') => `403 | content-length: 19 | content-type: text/plain${field} | "RBAC: access denied"`;
const ours = (field = '') =>
  `403 | content-length: 26 | content-type: text/plain; charset=utf-8 | proxy-status: tunl; error=http_request_denied${field} | "tunl: RBAC: access denied\\n"`;
const ofA = ' | x-route: a';

/** The verdicts on requests, with the answers to those that are denied and to the one that has a text. */
const verdicts = (refused: typeof denied, text: string) => [
  `GET /a: HTTP/1.1 ${refused(ofA)}`,
  `GET /a x-team: green: HTTP/1.1 ${refused(ofA)}`,
  `PUT /a x-team: red: HTTP/1.1 ${refused(ofA)}`,
  `GET /A x-team: red: HTTP/1.1 ${refused()}`,
  `GET /a x-team: red x-bad: 1: HTTP/1.1 ${refused(ofA)}`,
  `GET /a x-team: red x-some: b: HTTP/1.1 ${refused(ofA)}`,
  'GET /alone?a=b x-team: pink x-team: red: HTTP/1.1 204',
  'GET /alone x-team: greenish: HTTP/1.1 204',
  'GET /alone/more x-team: red: HTTP/1.1 204',
  `GET /nothing x-team: red: HTTP/1.1 ${refused()}`,
  `GET /nothing: HTTP/1.1 ${refused()}`,
  `GET /own: HTTP/1.1 200 | content-length: 3 | content-type: ${text} | "own"`,
  `POST /own content-length: 0 x-team: red: HTTP/1.1 ${refused()}`,
  `GET /own x-bad: 1: HTTP/1.1 ${refused()}`,
  'POST /free content-length: 0: HTTP/1.1 204',
];

/** Files whose filters let requests and connections pass or not. */
export const rbacRows: readonly Row[] = [
  {
    file: 'rbac',
    seen: {
      'requests pass, or are denied': {
        visit: async (bed) => {
          const requests = [
            ['GET /a', ''],
            ['GET /a', 'x-team: green'],
            ['PUT /a', 'x-team: red'],
            ['GET /A', 'x-team: red'],
            ['GET /a', 'x-team: red\r\nx-bad: 1'],
            ['GET /a', 'x-team: red\r\nx-some: b'],
            ['GET /alone?a=b', 'x-team: pink\r\nx-team: red'],
            ['GET /alone', 'x-team: greenish'],
            ['GET /alone/more', 'x-team: red'],
            ['GET /nothing', 'x-team: red'],
            ['GET /nothing', ''],
            ['GET /own', ''],
            ['POST /own', 'content-length: 0\r\nx-team: red'],
            ['GET /own', 'x-bad: 1'],
            ['POST /free', 'content-length: 0'],
          ] as const;
          for (const [first, fields] of requests) {
            const client = await ask(bed, first, fields && `${fields}\r\n`);
            await bed.story.tellMessage([first, fields.replaceAll('\r\n', ' ')].join(' ').trim(), client);
          }
        },
        story: verdicts(denied, 'text/plain'),
        better: { because, story: verdicts(ours, 'text/plain; charset=utf-8') },
      },
      'what filters decide is counted, up to the first that denies': {
        visit: (bed) => bed.tellStats('^http\\.front\\.rbac\\.(allowed|denied)$'),
        story: ['admin: http.front.rbac.allowed: 16', 'admin: http.front.rbac.denied: 10'],
      },
      'a request that passes goes on': {
        visit: async (bed) =>
          void (await answer(bed, await ask(bed, 'GET /a?b', 'x-team: blue\r\nx-some: ab\r\n'), found)),
        story: [
          'origin: GET /a?b HTTP/1.1 | host: host.com | x-forwarded-proto: http | x-request-id: * | x-some: ab | x-team: blue',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | x-route: a | "hello"',
        ],
      },
      'tunnels pass by their target': {
        visit: async (bed) => {
          for (const target of ['a.example:443', 'a.example:80']) {
            const client = await bed.connect();
            client.send(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\nx-team: red\r\n\r\n`);
            await bed.story.tellMessage(target, client);
          }
        },
        story: [
          'a.example:443: HTTP/1.1 200',
          `a.example:80: HTTP/1.1 ${denied().replace('403', '403 | connection: close')}`,
        ],
        better: {
          because,
          story: [
            'a.example:443: HTTP/1.1 200',
            `a.example:80: HTTP/1.1 ${ours().replace('403', '403 | connection: close')}`,
          ],
        },
      },
      'a connection is denied': {
        visit: async (bed) => {
          const client = await bed.connect('front2');
          client.send('ping');
          await bed.story.tellEnd('client', client);
        },
        story: ['client: fin'],
        better: { because: 'a connection that is denied is no empty answer', story: ['client: reset'] },
      },
    },
  },
];
