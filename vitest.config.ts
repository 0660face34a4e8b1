import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** As the bundler does: a page is imported as its text, and WebAssembly as its URL. */
const files = {
  name: 'files',
  enforce: 'pre' as const,
  // Not the id of a file: that of a package would be left to Node, which does not import such files.
  resolveId: (name: string) => (name.endsWith('.wasm') ? `\0${name}` : undefined),
  load: (id: string) => {
    if (id.endsWith('.html')) return `export default ${JSON.stringify(readFileSync(id, 'utf8'))}`;
    return id.endsWith('.wasm') ? `export default ${JSON.stringify(import.meta.resolve(id.slice(1)))}` : undefined;
  },
};

/** The built program, every carrier in every way, floods, and properties over many graphs: more than half of the time. */
const slow = [
  'test/cli/e2e/**/*.test.ts',
  'test/contracts.test.ts',
  'test/nested-contracts.test.ts',
  'test/chain/print/graph.test.ts',
  'test/envoy/{export/export,export/round-trip,import/mutations}.test.ts',
  'test/http/h2/{floods,flow}.test.ts',
  'test/tls/link.test.ts',
];

/** Programs that a test starts with our environment must not read the configuration of the developer. */
const env = { TUNL_CONFIG: '' };

/** What both halves of the core suite have in common. */
const core = {
  pool: 'forks' as const,
  env,
  setupFiles: ['test/support/leaks.ts'],
  // Above the limits of the waits within a test, whose messages say more.
  testTimeout: 60_000,
};

export default defineConfig({
  test: {
    // Many files wait for the programs that they start: a second worker pays on two cores too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        plugins: [files],
        test: {
          ...core,
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', ...slow],
        },
      },
      { plugins: [files], test: { ...core, name: 'slow', include: slow } },
      {
        plugins: [files],
        test: {
          name: 'interop',
          env,
          include: ['test/interop/**/*.test.ts'],
          pool: 'forks',
          // Real programs move hundreds of megabytes: one file at a time.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
