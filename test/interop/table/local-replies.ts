import type { RawPeer } from '../../support/peers/raw-peer.ts';
import type { Bed, Door } from '../support/bed.ts';
import { ask } from './http-visits.ts';
import type { Row } from './row.ts';

/** Fields that only tunl adds to a refusal, and fields that differ each time. */
const own = /^(?:proxy-status|connection|date|server|x-envoy-.*):/;

/** Tells an answer without its version, and with `PEM` for a certificate. */
async function tellAnswer(bed: Bed, name: string, client: RawPeer, hasBody = true): Promise<void> {
  const [first = '', ...lines] = (await client.readHead()).trimEnd().split('\r\n');
  const fields = lines.map((line) => line.replace(/^[^:]+/, (field) => field.toLowerCase()));
  const length = Number(/^content-length: (\d+)/m.exec(fields.join('\n'))?.[1] ?? 0);
  const body = hasBody ? (await client.read(length)).toString('utf8') : '';
  const text = body.replace(/-----BEGIN.*-----\n/s, 'PEM');
  const told = fields.filter((field) => !own.test(field) && (text === body || !field.startsWith('content-length')));
  const said = text === '' ? [] : [JSON.stringify(text)];
  bed.story.tell(name, [first.split(' ')[1], ...told.toSorted(), ...said].join(' | '));
}

/** Asks for paths one after the other, each with the name of its case, and tells the answers. */
async function tellAll(bed: Bed, cases: readonly (readonly [path: string, name?: string])[], door?: Door) {
  for (const [path, name = 'none'] of cases) {
    await tellAnswer(bed, `${path} ${name}`, await ask(bed, `GET ${path}`, `x-case: ${name}\r\n`, '', door));
  }
}

/** Files in which the answers of the program itself are changed. */
export const localReplyRows: readonly Row[] = [
  {
    file: 'http-local-replies',
    seen: {
      'the first filter that fits counts': {
        visit: (bed) =>
          tellAll(bed, [
            ['/none', 'gone'],
            ['/none', 'lost'],
            ['/none', 'other'],
            ['/dead', 'other'],
            ['/denied', 'other'],
          ]),
        story: [
          '/none gone: 410 | content-length: 29 | content-type: application/json | x-was: was 404 HTTP/1.1 gone | "{\\"code\\":410,\\"text\\":\\"gone\\\\n\\"}\\n"',
          '/none lost: 410 | content-length: 29 | content-type: application/json | x-was: was 404 HTTP/1.1 lost | "{\\"code\\":410,\\"text\\":\\"gone\\\\n\\"}\\n"',
          '/none other: 404 | content-length: 71 | content-type: application/problem+json | "{\\"b_code\\":404,\\"c_body\\":\\"no such place\\",\\"d_flags\\":\\"NR -\\",\\"e_none\\":null}\\n"',
          '/dead other: 502 | content-length: 25 | content-type: text/x-down | x-route: route | "down 502 UF dead /dead -\\n"',
          '/denied other: 403 | content-type: text/html | x-denied: yes | x-route: mapper | "PEM||yes"',
        ],
      },
      'answers of routes': {
        visit: (bed) =>
          tellAll(bed, [
            ['/found'],
            ['/found', 'untouched'],
            ['/empty'],
            ['/empty', 'untouched'],
            ['/teapot'],
            ['/moved'],
            ['/form'],
          ]),
        story: [
          '/found none: 200 | content-length: 28 | content-type: application/json | x-route: route | "{\\"code\\":200,\\"text\\":\\"found\\"}\\n"',
          '/found untouched: 200 | content-length: 28 | content-type: application/json | x-route: route | "{\\"code\\":200,\\"text\\":\\"found\\"}\\n"',
          '/empty none: 200 | content-length: 23 | content-type: application/json | x-route: route | "{\\"code\\":200,\\"text\\":\\"\\"}\\n"',
          '/empty untouched: 200 | content-length: 23 | content-type: application/json | x-route: route | "{\\"code\\":200,\\"text\\":\\"\\"}\\n"',
          '/teapot none: 418 | content-length: 26 | content-type: text/x-own | x-route: route | "{\\"code\\":418,\\"text\\":\\"tea\\"}\\n"',
          '/moved none: 301 | content-length: 23 | content-type: application/json | location: http://host.com/found | x-route: route | "{\\"code\\":301,\\"text\\":\\"\\"}\\n"',
          '/form none: 200 | content-length: 36 | content-type: application/json | x-route: route | "{\\"code\\":200,\\"text\\":\\"<form none 0>\\"}\\n"',
        ],
      },
      'one form for all bodies': {
        visit: (bed) => tellAll(bed, [['/found'], ['/none'], ['/form'], ['/json'], ['/plain'], ['/typed']], 'front2'),
        story: [
          '/found none: 451 | content-length: 3 | content-type: text/x-all | "all"',
          '/none none: 451 | content-length: 3 | content-type: text/x-all | "all"',
          '/form none: 200 | content-length: 4 | content-type: text/x-form | x-a: a | "<-->"',
          '/json none: 202 | content-length: 25 | content-type: application/json | "{\\"body\\":\\"json\\",\\"code\\":0}\\n"',
          '/plain none: 203 | content-length: 7 | content-type: text/x-route | "<plain>"',
          '/typed none: 203 | content-length: 7 | content-type: text/x-form | "<typed>"',
        ],
      },
      'an answer without its body': {
        visit: async (bed) => {
          await tellAnswer(bed, 'HEAD', await ask(bed, 'HEAD /none', 'x-case: gone\r\n'), false);
          await tellAnswer(bed, 'HEAD', await ask(bed, 'HEAD /found'), false);
        },
        story: [
          'HEAD: 410 | content-length: 29 | content-type: application/json | x-was: was 404 HTTP/1.1 gone',
          'HEAD: 200 | content-length: 28 | content-type: application/json | x-route: route',
        ],
      },
      'a call of gRPC': {
        visit: async (bed) => {
          const fields = 'content-type: application/grpc+proto\r\nte: trailers\r\n';
          for (const path of ['/none', '/dead', '/found']) {
            const client = await ask(bed, `POST ${path}`, `${fields}x-case: gone\r\ncontent-length: 0\r\n`);
            await tellAnswer(bed, path, client);
          }
        },
        story: [
          '/none: 200 | content-length: 0 | content-type: application/grpc | grpc-message: {"code":410,"text":"gone\\n"} | grpc-status: 2 | x-was: was 404 HTTP/1.1 gone',
          '/dead: 200 | content-length: 0 | content-type: application/grpc | grpc-message: down 502 UF dead /dead -%0A | grpc-status: 14 | x-route: route',
          '/found: 200 | content-length: 0 | content-type: application/grpc | grpc-message: {"code":200,"text":"found"} | grpc-status: 2 | x-route: route',
        ],
      },
      'a CONNECT': {
        visit: async (bed) => {
          const client = await bed.connect('front2');
          client.send('CONNECT host.com:443 HTTP/1.1\r\nhost: host.com:443\r\n\r\n');
          await tellAnswer(bed, 'CONNECT', client);
        },
        story: ['CONNECT: 451 | content-length: 3 | content-type: text/x-all | "all"'],
      },
      'what is no request': {
        visit: async (bed) => {
          const client = await bed.connect('front2');
          client.send('GET / HTTP/1.1\r\nhost: a\r\nb c: d\r\n\r\n');
          await tellAnswer(bed, 'bad', client);
        },
        story: ['bad: 451 | content-length: 3 | content-type: text/x-all | "all"'],
      },
      'an answer that is late': {
        visit: (bed) => tellAll(bed, [['/origin']]),
        story: [
          '/origin none: 504 | content-length: 27 | content-type: application/json | x-route: route | "{\\"code\\":504,\\"text\\":\\"late\\"}\\n"',
        ],
      },
      'over HTTP/2': {
        visit: async (bed) => {
          const session = await bed.connectHttp2();
          for (const path of ['/none', '/dead']) {
            const fields = { ':method': 'GET', ':path': path, ':authority': 'host.com', ':scheme': 'http' };
            const client = session.ask({ ...fields, 'x-case': 'gone' });
            bed.story.tell(path, (await client.answer()).replace(/proxy-status: [^|]* \| /, ''));
          }
        },
        story: [
          '/none: :status: 410 | content-length: 29 | content-type: application/json | x-was: was 404 HTTP/2 gone',
          '/dead: :status: 502 | content-length: 25 | content-type: text/x-down | x-route: route',
        ],
      },
      'what is logged': {
        visit: (bed) => bed.tellLog('log', 20),
        story: [
          'log: 410 NR gone',
          'log: 410 NR lost',
          'log: 404 NR other',
          'log: 502 UF other',
          'log: 403 - other',
          'log: 200 - none',
          'log: 200 - untouched',
          'log: 200 - none',
          'log: 200 - untouched',
          'log: 418 - none',
          'log: 301 - none',
          'log: 200 - none',
          'log: 410 NR gone',
          'log: 200 - -',
          'log: 200 NR gone',
          'log: 200 UF gone',
          'log: 200 - gone',
          'log: 504 UT none',
          'log: 410 NR gone',
          'log: 502 UF gone',
        ],
      },
    },
  },
];
