import { countResumed, isWaiting } from '../../core/link.ts';
import type { Running } from '../../app/runtime.ts';
import { type Column, formatTable } from './table.ts';
import type { Ui } from './ui.ts';

/** An open tunnel of the program. */
export type Tunnel = Running['tunnels'] extends Iterable<infer T> ? T : never;

const id: Column<Tunnel> = { head: 'id', cell: (tunnel) => String(tunnel.id), align: 'right' };
const user: Column<Tunnel> = { head: 'user', cell: (tunnel) => tunnel.user ?? '-', elastic: true };
const client: Column<Tunnel> = { head: 'client', cell: (tunnel) => tunnel.client, elastic: true };
const target: Column<Tunnel> = { head: 'target', cell: (tunnel) => tunnel.target, elastic: true };

/** Short columns for the client and the target of a tunnel. */
export const routeColumns: readonly Column<Tunnel>[] = [
  id,
  { ...client, elastic: false, rank: 7 },
  { ...user, rank: 5 },
  target,
  // -x also reads a proxy without a scheme as http.
  {
    head: 'via',
    cell: ({ via }) => via.map((url) => url.replace(/^http:\/\//, '')).join(' > ') || '-',
    elastic: true,
    rank: 6,
  },
];

const columns: readonly Column<Tunnel>[] = [
  id,
  client,
  user,
  target,
  { head: 'via', cell: ({ via }) => via.join(', ') || '-', elastic: true },
  { head: 'sent', cell: ({ handle }) => String(handle?.sent ?? 0), align: 'right' },
  { head: 'received', cell: ({ handle }) => String(handle?.received ?? 0), align: 'right' },
  { head: 'age', cell: (tunnel) => `${(readAge(tunnel) / 1000).toFixed(1)}s`, align: 'right' },
];

/** Lists the open tunnels: as a table on a terminal, else on one line each, or as one JSON event. */
export async function sayTunnels(ui: Ui, stream: NodeJS.WriteStream, tunnels: Iterable<Tunnel>): Promise<void> {
  const open = [...tunnels];
  ui.record('normal', 'tunnels', { tunnels: open.map(toFields) });
  ui.say('normal', countTunnels(open.length));
  if (ui.onTerminal) {
    const fit = { columns: stream.columns, overflow: 'wrap' } as const;
    if (open.length > 0) ui.show('normal', await formatTable(columns, open, fit));
    return;
  }
  for (const tunnel of open) {
    ui.say('normal', columns.map(({ head, cell }) => `${head}=${cell(tunnel)}`).join(' '));
  }
}

/** Writes `1 tunnel`, `2 tunnels`. */
export function countTunnels(count: number): string {
  return count === 1 ? '1 tunnel' : `${count} tunnels`;
}

/** The milliseconds since the tunnel was requested. */
export function readAge({ started }: Tunnel): number {
  return performance.now() - started;
}

function toFields(tunnel: Tunnel) {
  const { id, client, user, target, via, stages, handle } = tunnel;
  return {
    id,
    client,
    user: user ?? null,
    target,
    via,
    ...(stages.length > 1 && { stages }),
    sent: handle?.sent ?? 0,
    received: handle?.received ?? 0,
    ...(tunnel.resumptions && { waiting: isWaiting(tunnel), resumed: countResumed(tunnel) }),
    ms: Math.round(readAge(tunnel)),
  };
}
