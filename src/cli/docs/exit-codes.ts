import { wrapAnsi } from 'fast-wrap-ansi';
import { type ErrorCode, errorTable } from '../../core/errors.ts';

/** The columns of a sentence that still stands beside its code. */
const leastSentence = 30;

/** An exit status and its meanings. */
export interface ExitCode {
  readonly status: string;
  /** The failures with this status, as `--json` names them. */
  readonly codes: readonly { readonly code: string; readonly sentence: string }[];
}

/** The status of success; it and the next two are not failures of the table. */
const success: ExitCode = {
  status: '0',
  codes: [{ code: 'ok', sentence: 'both directions ended cleanly; a server was stopped and no tunnel was cut' }],
};
const beforeCommand: ExitCode = {
  status: '125',
  codes: [{ code: '', sentence: 'forward -- COMMAND: tunl failed before the command ran (bad arguments: 2)' }],
};
const bySignal: ExitCode = {
  status: '128+n',
  codes: [{ code: 'interrupted', sentence: 'ended by signal n; a server that was stopped and cut tunnels' }],
};

/** Lists all exit statuses in order, from the table of failures. */
export function listExitCodes(): readonly ExitCode[] {
  const byExit = new Map<number, { code: string; sentence: string }[]>();
  const add = (exit: number, code: string, sentence: string) =>
    byExit.set(exit, [...(byExit.get(exit) ?? []), { code, sentence }]);
  add(5, 'dns_error', "the proxy's name does not resolve");
  for (const [code, { exit, sentence }] of Object.entries(errorTable) as [
    ErrorCode,
    { exit: number; sentence: string },
  ][]) {
    if (code !== 'interrupted') add(exit, code, code === 'dns_error' ? "the target's name does not resolve" : sentence);
  }
  const sorted = [...byExit].toSorted(([first], [second]) => first - second);
  const rows = sorted.map(([exit, codes]) => ({ status: String(exit), codes }));
  const upTo = (limit: number) => rows.findIndex(({ status }) => Number(status) > limit);
  const [command, signal] = [upTo(124), upTo(127)];
  return [
    success,
    ...rows.slice(0, command),
    beforeCommand,
    ...rows.slice(command, signal),
    bySignal,
    ...rows.slice(signal),
  ];
}

/** Formats the exit statuses as text for a number of columns. */
export function formatExitCodes(columns: number): string {
  const codeWidth = Math.max(...listExitCodes().flatMap(({ codes }) => codes.map(({ code }) => code.length)));
  const margin = codeWidth + 10;
  const isWide = columns >= margin + leastSentence;
  const format = (status: string, code: string, sentence: string) => {
    const lead = `${status.padStart(6)}${isWide ? `  ${code.padEnd(codeWidth)}` : ` ${code}`}`;
    const indent = isWide ? margin : 10;
    const lines = wrapAnsi(sentence, columns - indent).replaceAll('\n', `\n${' '.repeat(indent)}`);
    return isWide ? `${lead}  ${lines}` : `${lead.trimEnd()}\n${' '.repeat(indent)}${lines}`;
  };
  const rows = listExitCodes().flatMap(({ status, codes }) =>
    codes.map(({ code, sentence }, index) => format(index === 0 ? status : '', code, sentence)),
  );
  return [
    wrapAnsi('The exit status says what went wrong; --json gives the name in the middle as "code".', columns),
    '',
    format('status', 'code', 'when'),
    ...rows,
    '',
    wrapAnsi(
      'forward -- COMMAND ends with the status of the command once it ran, 128+n when signal n ended it.',
      columns,
    ),
    '',
  ].join('\n');
}
