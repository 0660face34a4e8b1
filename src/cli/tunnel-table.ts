import type { Running } from '../app/options.ts';
import type { Ui } from './ui.ts';

type Tunnel = Running['tunnels'] extends Iterable<infer T> ? T : never;

const columns = ['id', 'client', 'user', 'target', 'via', 'sent', 'received', 'age'] as const;

/** Says which tunnels are open: a table on a terminal, else one line for each, or one JSON event. */
export async function sayTunnels(ui: Ui, tunnels: Iterable<Tunnel>): Promise<void> {
  const open = [...tunnels];
  ui.record('normal', 'tunnels', { tunnels: open.map(toFields) });
  const rows = open.map((tunnel) => columns.map((column) => formatCell(tunnel, column)));
  ui.say('normal', open.length === 1 ? '1 tunnel' : `${open.length} tunnels`);
  if (!ui.onTerminal) {
    for (const row of rows) ui.say('normal', columns.map((column, index) => `${column}=${row[index]}`).join(' '));
    return;
  }
  const { default: Table } = await import('cli-table3');
  // Without these empty styles it would paint head and border, whatever NO_COLOR says.
  const table = new Table({ head: [...columns], style: { head: [], border: [] } });
  table.push(...rows);
  if (rows.length > 0) ui.show('normal', table.toString());
}

function toFields({ id, client, user, target, via, handle, started }: Tunnel) {
  return {
    id,
    client,
    user: user ?? null,
    target,
    via,
    sent: handle?.sent ?? 0,
    received: handle?.received ?? 0,
    ms: Math.round(performance.now() - started),
  };
}

function formatCell(tunnel: Tunnel, column: (typeof columns)[number]): string {
  const { ms, ...fields } = toFields(tunnel);
  switch (column) {
    case 'age':
      return `${(ms / 1000).toFixed(1)}s`;
    case 'via':
      return fields.via.join(', ') || '-';
    case 'id':
    case 'client':
    case 'user':
    case 'target':
    case 'sent':
    case 'received':
      return String(fields[column] ?? '-');
  }
}
