import { constants } from 'node:os';
import process from 'node:process';
import { hasTerminalGone, leaveTerminals } from '../terminal/terminal.ts';

const hangupStatus = 128 + constants.signals.SIGHUP;

/** Time for the signal to end the program. */
const maxSignalMs = 1000;

/** Ends the program with a status, or by SIGHUP if its terminal has hung up. */
export function leave(status: number): void {
  leaveTerminals();
  if (status !== hangupStatus || !hasTerminalGone()) process.exit(status);
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
  setTimeout(() => process.exit(status), maxSignalMs);
}
