import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds that the processes and all their descendants have used; undefined without /proc. */
export function readCpuSeconds(pids) {
  return sumOverTree(pids, ({ ticks }) => ticks / ticksPerSecond());
}

/** Resident memory of the processes and all their descendants in KiB; undefined without /proc. */
export function readResidentKib(pids) {
  return sumOverTree(pids, ({ pid }) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
  );
}

let ticks;

function ticksPerSecond() {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}

function sumOverTree(pids, measure) {
  const all = readProcesses();
  if (all.length === 0) return undefined;
  const wanted = new Set(pids);
  // Children come after their parents in this order unless pids wrapped around; then one more pass finds them.
  for (let before = -1; before !== wanted.size;) {
    before = wanted.size;
    for (const { pid, parent } of all) if (wanted.has(parent)) wanted.add(pid);
  }
  let sum = 0;
  for (const process of all) if (wanted.has(process.pid)) sum += measureLive(process, measure);
  return sum;
}

function measureLive(process, measure) {
  try {
    return measure(process);
  } catch {
    return 0;
  }
}

function readProcesses() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(readProcess);
  } catch {
    return [];
  }
}

/** The fields of proc(5)'s `stat` that follow the command's name, which may itself hold anything. */
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
  } catch {
    return [];
  }
}
