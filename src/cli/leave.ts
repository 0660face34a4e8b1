import { constants } from 'node:os';
import process from 'node:process';
import { hasTerminalGone, leaveTerminals } from './terminal.ts';

const hangupStatus = 128 + constants.signals.SIGHUP;

/** How long the signal may take to end us. */
const maxSignalMs = 1000;

/** Ends the program with a status; where a terminal that hung up is the reason, by that signal. */
export function leave(status: number): void {
  leaveTerminals();
  if (status !== hangupStatus || !hasTerminalGone()) process.exit(status);
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
  setTimeout(() => process.exit(status), maxSignalMs);
}
