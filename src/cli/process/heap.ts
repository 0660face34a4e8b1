import { saveCompiledCode } from './compile-cache.ts';

/**
 * Keeps V8 from growing its space for young objects. The objects of a server live as long as their tunnels, so the
 * growth would bring no speed, but cost 9 KiB for each of the first 2,000 tunnels (docs/notes/memory-per-tunnel.md).
 */
export async function limitYoungHeap(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  saveCompiledCode();
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** The largest block that makes glibc raise its thresholds when it is freed. */
const raisingBytes = 31 * 1024 * 1024;

/**
 * Keeps the allocator from returning the memory of read buffers to the system at every collection and asking for it
 * again, which took half of the time of a bulk transfer in page faults. After one large block is freed, glibc keeps up
 * to twice its size (mallopt(3), M_MMAP_THRESHOLD). The block is never touched and so costs no memory. With other
 * allocators this has no effect.
 */
export function keepFreedMemory(): void {
  const { port1, port2 } = new MessageChannel();
  const block = new ArrayBuffer(raisingBytes);
  // A transferred block that nobody receives is freed at once, not at the next collection.
  port1.postMessage(block, [block]);
  port1.close();
  port2.close();
}
