import { exitOf, type TunlError, toTunlError } from '../../core/errors.ts';
import { toPrintable } from '../../syntax/text.ts';
import type { Io } from './io.ts';
import { isNullDevice, writeToTerminal } from './terminal.ts';
import type { Ui } from './ui.ts';

/** Writes a failure on one line, with the number of its hop if there are several. */
export function formatFailure(error: TunlError): string {
  const { hop } = error.facts;
  return toPrintable(hop && hop.count > 1 ? `${error.message} (hop ${hop.index} of ${hop.count})` : error.message);
}

/** Makes the fields of a JSON line from a failure. */
export function failureFields(error: TunlError): Readonly<Record<string, unknown>> {
  const { hop, hints = [], received } = error.facts;
  return {
    code: error.code,
    side: error.side,
    hop: hop?.index ?? null,
    phase: error.phase ?? null,
    exit: exitOf(error),
    message: formatFailure(error),
    hints: hints.map(toPrintable),
    ...(received !== undefined && { received }),
  };
}

/** Reports a failure: one line, then its hints. */
export function sayFailure(ui: Ui, error: TunlError): void {
  ui.say('error', formatFailure(error));
  showExcerpt(ui, error.facts.excerpt);
  sayHints(ui, error);
}

function sayHints(ui: Ui, { facts: { hints = [], hintExcerpts = [] } }: TunlError): void {
  for (const [index, hint] of hints.entries()) {
    ui.hint(hint);
    showExcerpt(ui, hintExcerpts[index]);
  }
}

function showExcerpt(ui: Ui, lines: readonly string[] = []): void {
  for (const line of lines) ui.show('error', `tunl: ${toPrintable(line)}`);
}

/** Reports why the program fails, in the form that was asked for, and returns its exit status. */
export function fail(ui: Ui, thrown: unknown): number {
  const error = toTunlError(thrown);
  // The reader that closed our output knows about it.
  if (error.code !== 'output_closed') {
    if (!error.facts.said || ui.output.verbosity === 'quiet') sayFailure(ui, error);
    else sayHints(ui, error);
    ui.record('error', 'error', failureFields(error));
  }
  if (error.code === 'internal' && error.stack !== undefined) {
    for (const line of error.stack.split('\n').slice(1)) ui.say('debug', line.trim());
  }
  return exitOf(error);
}

/**
 * Reports on the terminal, in one line, why the program fails, if its stderr is the null device: ssh with ControlPersist
 * starts its ProxyCommand so. It writes nothing if stdin is a terminal, or with -q.
 */
export function tellTerminal(ui: Ui, { stdin }: Io, thrown: unknown): void {
  const error = toTunlError(thrown);
  // The user who ended the program, or closed its output, knows why.
  const isMeant = error.code === 'interrupted' || error.code === 'output_closed';
  if (isMeant || !ui.shows('normal') || stdin.isTTY === true || !isNullDevice(2)) return;
  writeToTerminal(`tunl: ${formatFailure(error)}`);
}
