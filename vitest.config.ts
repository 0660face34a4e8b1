import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** As the bundler does: a page is imported as its text. */
const pages = {
  name: 'pages',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.endsWith('.html') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : undefined,
};

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [pages],
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/bench/**'],
          pool: 'forks',
          setupFiles: ['test/support/leaks.ts', 'test/support/expected-failures.ts'],
          // Above the limits of the waits within a test, whose messages say more.
          testTimeout: 60_000,
        },
      },
      {
        plugins: [pages],
        test: {
          name: 'interop',
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
