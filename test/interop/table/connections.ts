import type { Bed } from '../support/bed.ts';
import { exchange, openH1, openH2, overH2 } from './encapsulate-visits.ts';
import type { Row } from './row.ts';

/**
 * Tells a log in which each number of a connection, `#17`, is replaced by a letter, in the order of the lines. `#0` stays:
 * there was none.
 */
async function tellNumbered(bed: Bed, log: string, lines: number): Promise<void> {
  const numbers: string[] = [];
  const rename = (line: string) =>
    line.replaceAll(/#([1-9]\d*)/g, (_all, number: string) => {
      if (!numbers.includes(number)) numbers.push(number);
      return `#${String.fromCodePoint(0x61 + numbers.indexOf(number))}`;
    });
  await bed.tellLog(log, lines, rename);
}

/** Writes fields as the logs have them. */
function fieldsOf(...fields: readonly (readonly [string, string])[]): string {
  return JSON.stringify({ headers: fields.map(([key, value]) => ({ key, value })) });
}

/** Writes an answer as the logs have it. */
function answerOf([status, ...fields]: readonly [string, ...(readonly [string, string])[]]): string {
  return fieldsOf([':status', status], ...fields);
}

const found = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';

/** Files whose logs number connections, or have what proxies answered on them. */
export const connectionRows: readonly Row[] = [
  {
    file: 'connection-ids',
    seen: {
      'requests on two connections of clients and one to the upstream': {
        visit: async (bed) => {
          // Envoy counts from 0.
          const first = await bed.connect();
          first.fin();
          await first.waitForEnd();
          const [one, two] = [await bed.connect(), await bed.connect()];
          const paths = [
            ['/one', one],
            ['/two', one],
            ['/three', two],
          ] as const;
          let origin: Awaited<ReturnType<typeof bed.origin.accept>> | undefined;
          for (const [path, client] of paths) {
            client.send(`GET ${path} HTTP/1.1\r\nhost: host.com\r\n\r\n`);
            origin ??= await bed.origin.accept();
            await origin.readHead();
            origin.send(found);
            await bed.story.tellMessage('client', client);
          }
          two.send('GET /here HTTP/1.1\r\nhost: host.com\r\n\r\n');
          await two.readHead();
          await tellNumbered(bed, 'http.log', 4);
        },
        story: [
          'client: HTTP/1.1 200 | content-length: 5 | "hello"',
          'client: HTTP/1.1 200 | content-length: 5 | "hello"',
          'client: HTTP/1.1 200 | content-length: 5 | "hello"',
          'http.log: /one client#a upstream#b',
          'http.log: /two client#a upstream#b',
          'http.log: /three client#c upstream#b',
          'http.log: /here client#c upstream#0',
        ],
      },
      'two tunnels in one session of HTTP/2': {
        visit: async (bed) => {
          const tunnels = [await openH2(bed, 'front2'), await openH2(bed, 'front2')];
          for (const tunnel of tunnels) await exchange(bed, tunnel);
          for (const { client, proxy } of tunnels) {
            client.fin();
            await proxy.waitForEnd();
            proxy.fin();
            await client.waitForEnd();
          }
          await tellNumbered(bed, 'tcp.log', 4);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: "ping"',
          'client: "pong"',
          'tcp.log: client#a upstream#0',
          'tcp.log: client#b upstream#0',
          'tcp.log: client#a upstream#c',
          'tcp.log: client#b upstream#c',
        ],
      },
    },
  },
  {
    file: 'encapsulate-answers',
    seen: {
      'a tunnel over HTTP/1.1, and one that is refused': {
        visit: async (bed) => {
          const { client, proxy } = await openH1(bed, 'front', 'HTTP/1.1 200 OK\r\nX-Hop: a "b"\r\nx-two: 2\r\n\r\n');
          await exchange(bed, { client, proxy });
          client.fin();
          await proxy.waitForEnd();
          proxy.fin();
          await bed.tellLog('h1.log', 1);
          const refused = await openH1(bed, 'front', 'HTTP/1.1 403 No\r\ncontent-length: 0\r\nx-why: no\r\n\r\n');
          await refused.client.waitForEnd();
          await bed.tellLog('h1.log', 2);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'proxy: "ping"',
          'client: "pong"',
          `h1.log: - ${answerOf(['200', ['x-hop', 'a "b"'], ['x-two', '2']])} -`,
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          `h1.log: - ${answerOf(['200', ['x-hop', 'a "b"'], ['x-two', '2']])} -`,
          `h1.log: UF,URX ${answerOf(['403', ['content-length', '0'], ['x-why', 'no']])} -`,
        ],
      },
      'a tunnel over HTTP/2': {
        visit: async (bed) => {
          const tunnel = await openH2(bed, 'front2');
          await exchange(bed, tunnel);
          tunnel.client.fin();
          await tunnel.proxy.waitForEnd();
          tunnel.proxy.fin();
          await bed.tellLog('h2.log', 1, (line) => line.replace(/\w+, [^"]* GMT/, '*'));
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: "ping"',
          'client: "pong"',
          `h2.log: ${answerOf(['200', ['date', '*']])}`,
        ],
      },
    },
  },
  {
    file: 'encapsulate-trailers',
    seen: {
      'a tunnel that ends with trailers, and one without any': {
        visit: async (bed) => {
          const { client, proxy } = await openH2(bed);
          await exchange(bed, { client, proxy });
          proxy.endWith('last', { 'x-end': 'over "it"' });
          await bed.story.tellEnd('client', client);
          client.fin();
          await bed.story.tellEnd('proxy', proxy);
          await bed.tellLog('connect.log', 1);
          await overH2.proxyFirst(bed);
          await bed.tellLog('connect.log', 2);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'proxy: "ping"',
          'client: "pong"',
          'client: "last", fin',
          'proxy: fin',
          `connect.log: - ${fieldsOf(['x-end', 'over "it"'])} -`,
          'proxy: :authority: host.com:443 | :method: CONNECT',
          'client: "last", fin',
          'proxy: "rest", fin',
          `connect.log: - ${fieldsOf(['x-end', 'over "it"'])} -`,
          'connect.log: - - -',
        ],
      },
      'a tunnel in a POST, whose client ends first': {
        visit: async (bed) => {
          const { client, proxy } = await openH2(bed, 'front2');
          await exchange(bed, { client, proxy });
          client.fin();
          await bed.story.tellEnd('proxy', proxy);
          proxy.endWith('last', { 'x-end': 'over', 'x-two': '2' });
          await bed.story.tellEnd('client', client);
          await bed.tellLog('post.log', 1);
        },
        story: [
          'proxy: :authority: host.com:443 | :method: POST | :path: /t | :scheme: http',
          'proxy: "ping"',
          'client: "pong"',
          'proxy: fin',
          'client: "last", fin',
          `post.log: - ${fieldsOf(['x-end', 'over'], ['x-two', '2'])}`,
        ],
      },
    },
  },
];
