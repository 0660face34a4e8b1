import { expect, onTestFinished, test, vi } from 'vitest';

test('the allocator is told once, by the first read of a bulk transfer', async () => {
  vi.resetModules();
  onTestFinished(() => void vi.unstubAllGlobals());
  const told = vi.fn();
  vi.stubGlobal(
    'MessageChannel',
    class extends MessageChannel {
      constructor() {
        super();
        told();
      }
    },
  );
  const { copyOf, giveBack, lend, sharedMemory } = await import('../../src/sockets/read-memory.ts');
  copyOf(sharedMemory, 1000);
  lend(sharedMemory, 1000, { onData: () => false });
  expect(told).not.toHaveBeenCalled();
  giveBack(lend(sharedMemory, 40_000, { onData: () => false }));
  copyOf(sharedMemory, 40_000);
  expect(told).toHaveBeenCalledOnce();
});
