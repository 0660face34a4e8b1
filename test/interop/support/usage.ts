import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TunlPart } from './tunl.ts';

/** The environment of a tunl whose memory `readMemory` can read. */
export const readable: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${new URL('held-memory.mjs', import.meta.url).href}`,
};

/** Memory of a process right after it has collected its garbage, in MiB. */
export interface Memory {
  /** In objects and buffers of JavaScript. */
  readonly held: number;
  /** All of it, with what the allocator keeps for later. */
  readonly resident: number;
}

/** Lets a tunl that was started with `readable` collect its garbage, and reads what memory it has then. */
export async function readMemory({ pid, log, waitForLine }: TunlPart): Promise<Memory> {
  const times = log().match(/^memory \d+:/gm)?.length ?? 0;
  process.kill(pid, 'SIGUSR2');
  const [, held, resident] = await waitForLine(new RegExp(`^memory ${times + 1}: (\\d+) held, (\\d+) resident$`, 'm'));
  return { held: Number(held) / 2 ** 20, resident: Number(resident) / 2 ** 20 };
}

/** Counts the descriptors that a process has open. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory of a process, in MiB. */
export function readResidentMib(pid: number): number {
  return readStatusMib(pid, 'VmRSS');
}

/** The most resident memory of a process since `forgetPeak`, in MiB. */
export function readPeakMib(pid: number): number {
  return readStatusMib(pid, 'VmHWM');
}

/** Starts `readPeakMib` anew, from what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function readStatusMib(pid: number, name: string): number {
  const [, kib = '0'] =
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** Time that the threads of a process have been running, in milliseconds. */
export function readCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + readThreadMs(`/proc/${pid}/task/${thread}/schedstat`), 0);
}

function readThreadMs(file: string): number {
  return Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6;
}
