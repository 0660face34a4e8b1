import { readFileSync } from 'node:fs';

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
