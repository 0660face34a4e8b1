import type { FoundInstance, InstanceStatus } from '../../app/commands/instances.ts';
import { toPrintable } from '../../syntax/text.ts';
import { formatAge, formatAmount } from './amount.ts';

const heads = ['NAME', 'PID', 'LISTENS', 'TUNNELS', 'SENT', 'RECEIVED', 'AGE', 'LAST FAILURE'];

/** Lists processes in the background, one on a line, as ps(1) does. Further listeners are on lines of their own. */
export function formatInstances(found: readonly FoundInstance[]): string {
  const rows = [heads, ...found.flatMap(({ name, status }) => (status ? toRows(status) : [toSilent(name)]))];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${pad(row, widths).trimEnd()}\n`).join('');
}

function pad(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
}

function toRows(status: InstanceStatus): string[][] {
  const { name, pid, state, listeners, tunnels, sent, received, ms, lastFailure } = status;
  const listens = listeners.map(formatListener);
  const failure = lastFailure ? toPrintable(`${lastFailure.message} (${lastFailure.time})`) : '-';
  const first = state === 'listening' ? (listens[0] ?? '-') : `(${state})`;
  const others = state === 'listening' ? listens.slice(1) : listens;
  return [
    [name, String(pid), first, String(tunnels), formatAmount(sent), formatAmount(received), formatAge(ms), failure],
    ...others.map((listener) => ['', '', listener]),
  ];
}

function formatListener({ role, address, target, front }: InstanceStatus['listeners'][number]): string {
  const place = role === 'admin' ? `admin ${address}` : front === undefined ? address : `${front}:${address}`;
  return toPrintable(target === undefined ? place : `${place} -> ${target}`);
}

function toSilent(name: string): string[] {
  return [name, '-', '(does not answer)', '-', '-', '-', '-', '-'];
}
