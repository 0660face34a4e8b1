import type { Bed } from '../support/bed.ts';
import { exchange, openH1 } from './encapsulate-visits.ts';
import { answer, ask, found, webSocket } from './http-visits.ts';
import { askH2, exchange as exchangeAsked } from './terminate-visits.ts';
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
    file: 'log-moments',
    seen: {
      'a tunnel, and one that a proxy refuses': {
        visit: async (bed) => {
          const tunnel = await openH1(bed);
          await bed.tellLog('tcp.log', 2);
          await exchange(bed, tunnel);
          tunnel.client.fin();
          await tunnel.proxy.waitForEnd();
          tunnel.proxy.fin();
          await bed.tellLog('tcp.log', 3);
          const refused = await openH1(bed, 'front', 'HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n');
          await refused.client.waitForEnd();
          await bed.tellLog('tcp.log', 5);
          await bed.tellLog('tcp-opened.log', 1);
        },
        story: [
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'tcp.log: TcpConnectionStart 0 - -',
          'tcp.log: TcpUpstreamConnected 0 ORIGIN -',
          'proxy: "ping"',
          'client: "pong"',
          'tcp.log: TcpConnectionStart 0 - -',
          'tcp.log: TcpUpstreamConnected 0 ORIGIN -',
          'tcp.log: TcpConnectionEnd 4 ORIGIN -',
          'proxy: CONNECT host.com:443 HTTP/1.1 | host: host.com:443',
          'tcp.log: TcpConnectionStart 0 - -',
          'tcp.log: TcpUpstreamConnected 0 ORIGIN -',
          'tcp.log: TcpConnectionEnd 4 ORIGIN -',
          'tcp.log: TcpConnectionStart 0 - -',
          'tcp.log: TcpConnectionEnd 0 ORIGIN UF,URX',
          'tcp-opened.log: TcpUpstreamConnected 0 ORIGIN -',
        ],
      },
      'a tunnel that is asked for, requests and an upgrade': {
        visit: async (bed) => {
          const client = await askH2(bed, 'host.com:443', {}, 'front2');
          bed.story.tell('client', await client.answer());
          await bed.tellLog('http.log', 2);
          const origin = await exchangeAsked(bed, client, bed.origin2);
          client.fin();
          await origin.waitForEnd();
          origin.fin();
          await client.waitForEnd();
          await bed.tellLog('http.log', 3);
          const page = await ask(bed, 'GET /page', '', '', 'front2');
          const server = await bed.origin2.accept();
          await server.readHead();
          server.send(found);
          await bed.story.tellMessage('client', page);
          await bed.story.tellStatus('client', await ask(bed, 'GET /nowhere', '', '', 'front2'));
          const chat = await ask(bed, 'GET /page', webSocket, '', 'front2');
          const other = await bed.origin2.accept();
          await other.readHead();
          other.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
          await bed.story.tellStatus('client', chat);
          await bed.tellLog('http.log', 9);
          await bed.tellLog('http-others.log', 6);
        },
        story: [
          'client: :status: 200',
          'http.log: DownstreamStart CONNECT 0 - origin2 0 -',
          'http.log: DownstreamTunnelSuccessfullyEstablished CONNECT 200 ORIGIN2 origin2 0 via_upstream',
          'origin: "ping"',
          'client: "pong"',
          'http.log: DownstreamStart CONNECT 0 - origin2 0 -',
          'http.log: DownstreamTunnelSuccessfullyEstablished CONNECT 200 ORIGIN2 origin2 0 via_upstream',
          'http.log: DownstreamEnd CONNECT 200 ORIGIN2 origin2 4 via_upstream',
          'client: HTTP/1.1 200 | content-length: 5 | x-made-by: origin | "hello"',
          'client: 404',
          'client: 101',
          'http.log: DownstreamStart CONNECT 0 - origin2 0 -',
          'http.log: DownstreamTunnelSuccessfullyEstablished CONNECT 200 ORIGIN2 origin2 0 via_upstream',
          'http.log: DownstreamEnd CONNECT 200 ORIGIN2 origin2 4 via_upstream',
          'http.log: DownstreamStart GET 0 - origin2 0 -',
          'http.log: DownstreamEnd GET 200 ORIGIN2 origin2 0 via_upstream',
          'http.log: DownstreamStart GET 0 - - 0 -',
          'http.log: DownstreamEnd GET 404 - - 0 route_not_found',
          'http.log: DownstreamStart GET 0 - origin2 0 -',
          'http.log: DownstreamTunnelSuccessfullyEstablished GET 101 ORIGIN2 origin2 0 via_upstream',
          'http-others.log: DownstreamStart CONNECT 0 - origin2 0 -',
          'http-others.log: DownstreamTunnelSuccessfullyEstablished CONNECT 200 ORIGIN2 origin2 0 via_upstream',
          'http-others.log: DownstreamStart GET 0 - origin2 0 -',
          'http-others.log: DownstreamStart GET 0 - - 0 -',
          'http-others.log: DownstreamStart GET 0 - origin2 0 -',
          'http-others.log: DownstreamTunnelSuccessfullyEstablished GET 101 ORIGIN2 origin2 0 via_upstream',
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
