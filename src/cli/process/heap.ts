import { saveCompiledCode } from './compile-cache.ts';

/** After how many tunnels that have ended it is looked whether the space for young objects should grow. */
const lookEvery = 2000;

/** For how long, in milliseconds, V8 may let it grow then. */
const growMs = 1000;

/** How large it shall be in a process whose tunnels come and go, both of its halves together: it starts with 2 MiB. */
const wantedBytes = 16 * 1024 * 1024;

/** The most that it may grow at a time. */
const mostGrowth = 8;

/**
 * Keeps V8 from growing its space for young objects. Objects of a tunnel that stays live as long as it does, so the
 * growth would bring no speed, but cost 9 KiB for each of the first 2,000 tunnels (docs/notes/memory-per-tunnel.md).
 * Tunnels that come and go leave garbage, and the smaller the space, the more often it is collected: the function that
 * this returns is to be called with each tunnel that ends, and lets the space grow after many.
 */
export async function limitYoungHeap(): Promise<() => void> {
  const { getHeapSpaceStatistics, setFlagsFromString } = await import('node:v8');
  saveCompiledCode();
  const setGrowth = (factor: number) => setFlagsFromString(`--semi-space-growth-factor=${factor}`);
  setGrowth(1);
  let ended = 0;
  return () => {
    if (++ended % lookEvery > 0) return;
    const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    const factor = Math.min(mostGrowth, Math.floor(wantedBytes / (space?.space_size ?? wantedBytes)));
    if (factor < 2) return;
    setGrowth(factor);
    setTimeout(setGrowth, growMs, 1).unref();
  };
}
