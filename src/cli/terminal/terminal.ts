import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const terminalPath = '/dev/tty';

/** The standard streams that were terminals when the program started. */
const terminals: readonly number[] = [0, 1, 2].filter((fd) => isatty(fd));

/** True if a hang-up of the terminal concerns us: there was one, and we were not detached from it, as by nohup. */
const dependsOnTerminal = isTerminalThere() && !(terminals.length === 0 && isNullDevice(0));

/** True once the terminal on which the program was started has hung up. */
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

/** Opens the controlling terminal, without ever waiting for it. */
function openTerminal(access: number): number {
  return openSync(terminalPath, access | constants.O_NOCTTY | constants.O_NONBLOCK);
}

/** True if a standard stream is the null device. */
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

/** Writes a line to the controlling terminal, unless there is none or another job has it. */
export function writeToTerminal(line: string): void {
  // A terminal may stop a background process that writes to it.
  if (!isInForeground()) return;
  try {
    const terminal = openTerminal(constants.O_WRONLY);
    try {
      writeSync(terminal, `${line}\n`);
    } finally {
      closeSync(terminal);
    }
  } catch {
    // There is no terminal.
  }
}

/**
 * Closes the standard streams that were terminals, at the very end. Node would otherwise put each terminal back into the
 * mode that it had at the start: after ssh has ended, its ProxyCommand would take the mode of the shell's line editor
 * away. Some versions of Node crash over terminals that have hung up (nodejs/node#51519).
 */
export function leaveTerminals(): void {
  for (const fd of terminals) closeQuietly(fd);
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It is already closed.
  }
}

/**
 * False while another job, such as the shell or an editor, has the terminal: nothing may be redrawn on it then. Only
 * Linux tells; it is true on other systems.
 */
export function isInForeground(): boolean {
  try {
    return ownsTerminal(readFileSync('/proc/self/stat', 'utf8'));
  } catch {
    return true;
  }
}

/** Reads proc_pid_stat(5): true if our process group is in the foreground, or if there is no foreground group. */
export function ownsTerminal(stat: string): boolean {
  // The name of the program, in brackets, may contain any characters.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(foreground) <= 0 || foreground === group;
}
