import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from growing its space for young objects. A server's objects live as long as their tunnels, so
 * the growth buys no speed and would cost 9 KiB for each of the first 2,000 (docs/notes/memory-per-tunnel.md).
 */
export function limitYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** The largest block for which glibc raises its thresholds when it is freed. */
const raisingBytes = 31 * 1024 * 1024;

/**
 * Keeps the allocator from giving the memory of read buffers back to the system at every collection, only to
 * ask for it again: half of the time of a bulk transfer went into page faults. Freeing one large block, which
 * is never touched and so never costs memory, makes glibc keep up to twice its size (mallopt(3),
 * M_MMAP_THRESHOLD). Elsewhere it does nothing.
 */
export function keepFreedMemory(): void {
  const { port1, port2 } = new MessageChannel();
  const block = new ArrayBuffer(raisingBytes);
  // Sent to nobody, it is freed now and not when the collector comes by.
  port1.postMessage(block, [block]);
  port1.close();
  port2.close();
}
