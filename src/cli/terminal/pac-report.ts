import type { PacReport } from '../../app/commands/pac.ts';
import { toPrintable } from '../../syntax/text.ts';

/** Formats the decision of a PAC file for people: the ways in their order, and the calls that led to them. */
export function formatReport({ ways, reason, calls, passes, ms }: PacReport): string {
  const lines = [reason, ...ways.map((way, index) => `  ${index + 1}. ${way}`)];
  if (passes > 0) {
    lines.push(`in ${ms.toFixed(1)} ms, ${passes === 1 ? 'one pass' : `${passes} passes`}, with these calls:`);
    lines.push(...calls.map(({ name, args, result }) => `  ${name}(${args.map(show).join(', ')}) = ${show(result)}`));
    if (calls.length === 0) lines.push('  none');
  }
  return `${lines.map(toPrintable).join('\n')}\n`;
}

function show(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value);
}
