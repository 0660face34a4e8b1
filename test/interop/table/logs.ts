import type { Bed } from '../support/bed.ts';
import { answer, ask, found } from './http-visits.ts';
import type { Row } from './row.ts';

/** Tells logs, once each has as many lines as it must get. */
async function tellLogs(bed: Bed, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, lines] of Object.entries(counts)) await bed.tellLog(`${name}.log`, lines);
}

/** Files with filters of access logs. */
export const logRows: readonly Row[] = [
  {
    file: 'http-log-filters',
    seen: {
      'each log has what its filter lets through': {
        visit: async (bed) => {
          await bed.story.tellStatus('client', await ask(bed, 'GET /found', 'x-kind: abc\r\n'));
          await answer(bed, await ask(bed, 'GET /origin', 'x-kind: b\r\n'), found);
          for (const path of ['/dead', '/nowhere']) await bed.story.tellStatus('client', await ask(bed, `GET ${path}`));
          await bed.tellLog('all.log', 4);
          await tellLogs(bed, { bad: 2, equal: 2, other: 2, quick: 4, flagged: 2, lost: 1, named: 1, unnamed: 2 });
          await tellLogs(bed, { either: 2, ends: 4, slow: 0, tunnels: 0, none: 0 });
        },
        story: [
          'client: 200',
          'origin: GET /origin HTTP/1.1 | host: host.com | x-forwarded-proto: http | x-kind: b | x-request-id: *',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
          'client: 503',
          'client: 404',
          'all.log: /found 200 -',
          'all.log: /origin 200 -',
          'all.log: /dead 503 UF',
          'all.log: /nowhere 404 NR',
          'bad.log: /dead 503 UF',
          'bad.log: /nowhere 404 NR',
          'equal.log: /found 200 -',
          'equal.log: /origin 200 -',
          'other.log: /dead 503 UF',
          'other.log: /nowhere 404 NR',
          'quick.log: /found 200 -',
          'quick.log: /origin 200 -',
          'quick.log: /dead 503 UF',
          'quick.log: /nowhere 404 NR',
          'flagged.log: /dead 503 UF',
          'flagged.log: /nowhere 404 NR',
          'lost.log: /nowhere 404 NR',
          'named.log: /found 200 -',
          'unnamed.log: /dead 503 UF',
          'unnamed.log: /nowhere 404 NR',
          'either.log: /found 200 -',
          'either.log: /dead 503 UF',
          'ends.log: /found DownstreamEnd',
          'ends.log: /origin DownstreamEnd',
          'ends.log: /dead DownstreamEnd',
          'ends.log: /nowhere DownstreamEnd',
        ],
      },
    },
  },
  {
    file: 'tcp-log-filters',
    seen: {
      'a tunnel and a failure': {
        visit: async (bed) => {
          const client = await bed.connect();
          client.send('ping');
          client.fin();
          const origin = await bed.origin.accept();
          await origin.waitForEnd();
          origin.send('pong');
          origin.fin();
          await bed.story.tellEnd('client', client);
          await (await bed.connect('front2')).waitForEnd();
          await bed.tellLog('zero.log', 2);
          await bed.tellLog('listener.log', 1);
          await tellLogs(bed, { flagged: 1, ends: 2, unnamed: 2, named: 0, 'flagged-listener': 0 });
        },
        story: [
          'client: "pong", fin',
          'zero.log: 0 - 4 origin TcpConnectionEnd',
          'zero.log: 0 UF,URX 0 dead TcpConnectionEnd',
          'listener.log: 0 - 4 origin NotSet',
          'flagged.log: 0 UF,URX 0 dead TcpConnectionEnd',
          'ends.log: 0 - 4 origin TcpConnectionEnd',
          'ends.log: 0 UF,URX 0 dead TcpConnectionEnd',
          'unnamed.log: 0 - 4 origin TcpConnectionEnd',
          'unnamed.log: 0 UF,URX 0 dead TcpConnectionEnd',
        ],
      },
    },
  },
];
