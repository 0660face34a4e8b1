// What every bundle has in common: the version, and lighter forms of some packages.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

// string-width builds an Intl.Segmenter at import time, which costs 10 to 20 ms of every start
// (ICU data). These drop-in modules give the same widths for what the program prints.
const fastWidth = {
  name: 'fast-width',
  setup(plugin) {
    plugin.onResolve({ filter: /^(string-width|wrap-ansi)$/ }, ({ path }) => ({ path, namespace: 'fast-width' }));
    plugin.onLoad({ filter: /.*/, namespace: 'fast-width' }, ({ path }) => ({
      contents:
        path === 'wrap-ansi'
          ? 'export { wrapAnsi as default } from "fast-wrap-ansi";'
          : 'module.exports = require("fast-string-width").default;',
      resolveDir: root,
    }));
  },
};

// Only the parser of yargs is used; this lets the bundler omit the rest of its helpers.
const lightYargs = {
  name: 'light-yargs',
  setup(plugin) {
    plugin.onResolve({ filter: /platform-shims\/esm\.mjs$/ }, async ({ path, ...options }) => {
      if (options.pluginData === 'resolved') return undefined;
      const { path: resolved } = await plugin.resolve(path, { ...options, pluginData: 'resolved' });
      return { path: resolved, sideEffects: false };
    });
  },
};

/** Options of esbuild, and the folder of the repository as `root`. */
export const commonOptions = {
  root,
  define: { TUNL_VERSION: JSON.stringify(version) },
  plugins: [fastWidth, lightYargs],
  logLevel: 'warning',
};
