import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Returns the path of a program, or undefined. Searches root's own PATH too, and the Envoy of the interop tests. */
function findProgram(name) {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    join(cache, 'tunl-interop', 'envoy', 'bin'),
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Starts those of a table of subjects whose programs are installed, and names the programs that are not. A line of the
 * table has the `programs` that it needs, and a function that starts them, given their paths.
 */
export async function startInstalled(bench, table) {
  const subjects = [];
  for (const { name, kind = 'peer', programs = [], start, ...rest } of table) {
    const missing = programs.filter((program) => findProgram(program) === undefined);
    for (const program of missing) bench.report.leaveOut(program, 'is not installed: what needs it is left out');
    if (missing.length > 0) continue;
    subjects.push({ name, kind, ...rest, ...(await start(...programs.map(findProgram))) });
  }
  return subjects;
}
