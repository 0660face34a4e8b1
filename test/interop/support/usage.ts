import { readdirSync, readFileSync } from 'node:fs';
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
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
