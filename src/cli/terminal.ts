import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const terminalPath = '/dev/tty';

/** The standard streams that were terminals when the program started. */
const terminals: readonly number[] = [0, 1, 2].filter((fd) => isatty(fd));

/** Whether hanging up a terminal concerns us: there was one, and nobody has detached us from it, as nohup does. */
const dependsOnTerminal = isTerminalThere() && !(terminals.length === 0 && isNullDevice(0));

/** True once the controlling terminal that the program was started on has hung up. */
export function hasTerminalGone(): boolean {
  return dependsOnTerminal && !isTerminalThere();
}

function isTerminalThere(): boolean {
  try {
    closeSync(openTerminal(constants.O_RDONLY));
    return true;
  } catch {
    return false;
  }
}

/** A descriptor of the controlling terminal. Neither this nor what is done with it ever waits. */
function openTerminal(access: number): number {
  return openSync(terminalPath, access | constants.O_NOCTTY | constants.O_NONBLOCK);
}

/** True where all that a standard stream is given is lost. */
export function isNullDevice(fd: 0 | 1 | 2): boolean {
  try {
    return isSameDevice(fstatSync(fd), statSync('/dev/null'));
  } catch {
    return false;
  }
}

function isSameDevice(one: Stats, other: Stats): boolean {
  return one.isCharacterDevice() && one.rdev === other.rdev;
}

/** Writes a line to the controlling terminal; nothing happens where there is none, or while it belongs to another job. */
export function writeToTerminal(line: string): void {
  // From the background a terminal may stop whoever writes to it.
  if (!isInForeground()) return;
  try {
    const terminal = openTerminal(constants.O_WRONLY);
    try {
      writeSync(terminal, `${line}\n`);
    } finally {
      closeSync(terminal);
    }
  } catch {
    // Nobody is there to read it.
  }
}

/** Lets go of standard streams whose terminal has hung up: some versions of Node die of them at the exit (nodejs/node#51519). */
export function leaveTerminals(): void {
  for (const fd of terminals) if (!isatty(fd)) closeQuietly(fd);
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was closed before.
  }
}

/**
 * False while another job has the terminal, such as the shell or an editor: then nothing may move on it.
 * Only Linux tells; elsewhere it is taken for true.
 */
export function isInForeground(): boolean {
  try {
    return ownsTerminal(readFileSync('/proc/self/stat', 'utf8'));
  } catch {
    return true;
  }
}

/** Reads proc_pid_stat(5): our process group is that of the foreground, or there is no such group. */
export function ownsTerminal(stat: string): boolean {
  // The name of the program, in brackets, may hold anything.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(foreground) <= 0 || foreground === group;
}
