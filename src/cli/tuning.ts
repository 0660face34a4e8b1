import { setDefaultHighWaterMark } from 'node:stream';
import { setFlagsFromString } from 'node:v8';

/** What a stream buffers before it says "enough": Node 22's default. With Node 20's 16 KiB each 64 KiB read stops its source. */
const highWaterMarkBytes = 64 * 1024;

/** Sets what moves bytes faster, for all commands. */
export function tuneStreams(): void {
  setDefaultHighWaterMark(false, highWaterMarkBytes);
}

/**
 * Keeps V8 from growing its space for young objects. A server's objects live as long as their tunnels, so
 * the growth buys no speed and would cost 9 KiB for each of the first 2,000 (docs/notes/memory-per-tunnel.md).
 */
export function limitYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
