import type { CheckReport, ReportedVerdict } from '../../app/check/check.ts';
import { toPrintable } from '../../syntax/text.ts';

const marks: Readonly<Record<ReportedVerdict['state'], string>> = { ok: '✓', warning: '!', failure: '✗', unknown: ' ' };

/** The width of the column of names, with the blanks behind it. */
const nameWidth = 11;

/** Formats one verdict: a line, and below it the causes and remedies. A name is written once for its lines. */
export function formatVerdict({ name, state, text, causes, remedies }: ReportedVerdict, previous?: string): string {
  const title = (name === previous ? '' : name).padEnd(nameWidth);
  const indent = ' '.repeat('[✓] '.length + nameWidth);
  const lines = [
    `[${marks[state]}] ${title}${text}`,
    ...causes.map((cause) => `${indent}${cause}`),
    ...remedies.map((remedy) => `${indent}-> ${remedy}`),
  ];
  return `${lines.map(toPrintable).join('\n')}\n`;
}

/** Formats the end of a report: what works, and what to type. */
export function formatConclusion({ sentence, commands }: Pick<CheckReport, 'sentence' | 'commands'>): string {
  const lines = [`${sentence}${commands.length > 0 ? ':' : ''}`, ...commands.map((command) => `    ${command}`)];
  return `\n${lines.map(toPrintable).join('\n')}\n`;
}
