import { toPrintable } from '../../syntax/text.ts';
import { readChoice } from './choice.ts';
import { badRequest, done, type AdminEndpoint, json, text } from './endpoint.ts';
import type { TunnelFacts } from './subject.ts';

/** Paths for the open tunnels and the picture of the stages, which Envoy does not have. */
export const live: readonly AdminEndpoint[] = [
  {
    path: '/tunnels',
    method: 'GET',
    summary: 'print the open tunnels',
    params: { format: 'one of json, text' },
    answer: ({ listTunnels }, { query }) => {
      const form = query.get('format') ?? 'json';
      if (form === 'json') return json(listTunnels());
      return form === 'text' ? text(formatTunnels(listTunnels())) : badRequest('format is one of json, text');
    },
  },
  {
    path: '/tunnels/ID',
    method: 'DELETE',
    summary: 'end a tunnel: both sides see a reset',
    answer: ({ cutTunnel }, { id }) => {
      const isCut = /^[1-9]\d{0,15}$/.test(id) && cutTunnel(Number(id));
      return isCut ? done() : text(`there is no tunnel ${toPrintable(id)}\n`, 404);
    },
  },
  {
    path: '/events',
    method: 'GET',
    summary: 'follow what the page shows, as server-sent events',
    params: {
      filter: 'only tunnels with this text in a fact',
      stage: 'only tunnels that pass this stage',
      sort: 'one of id, peer, target, age, sent, received, rate',
      order: 'one of asc, desc',
      once: 'end after the first events',
    },
    answer: (_subject, { query }) => ({
      status: 200,
      type: 'events',
      body: '',
      follow: { choice: readChoice(query), isOnce: query.has('once') },
    }),
  },
  {
    path: '/graph',
    method: 'GET',
    summary: 'draw the stages with what is live in each, as SVG',
    answer: async ({ drawGraph }) => ({ status: 200, type: 'svg', body: await drawGraph() }),
  },
];

const columns: readonly (readonly [string, (tunnel: TunnelFacts) => string])[] = [
  ['id', ({ id }) => String(id)],
  ['peer', ({ peer }) => peer],
  ['user', ({ user }) => user ?? '-'],
  ['target', ({ target }) => target],
  ['stages', ({ stages }) => stages.join(' > ') || '-'],
  ['via', ({ via }) => via.join(' > ') || '-'],
  ['state', ({ state }) => state],
  ['resumed', ({ resumed }) => String(resumed)],
  ['age', ({ ageMs }) => `${(ageMs / 1000).toFixed(1)}s`],
  ['sent', ({ sent }) => String(sent)],
  ['received', ({ received }) => String(received)],
  ['sent/s', ({ sentRate }) => String(sentRate)],
  ['received/s', ({ receivedRate }) => String(receivedRate)],
];

function formatTunnels(tunnels: readonly TunnelFacts[]): string {
  const rows = [
    columns.map(([head]) => head),
    ...tunnels.map((tunnel) => columns.map(([, cell]) => toPrintable(cell(tunnel)))),
  ];
  const widths = columns.map((_column, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
