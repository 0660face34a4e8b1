// Bundles the program and the library into dist/, with the type declarations of the library and the licences of bundled packages.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { collectLicenses } from './licenses.mjs';

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

/** Bundles one entry with the modules that it loads on demand. Entries share no chunks, because shared code would be split into more files. */
function bundle(entryPoints) {
  return build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: true,
    loader: { '.html': 'text' },
    // The file of licences contains them once.
    legalComments: 'none',
    metafile: true,
    sourcemap: process.argv.includes('--sourcemap'),
    define: { TUNL_VERSION: JSON.stringify(version) },
    // CommonJS packages in the bundle call require for core modules.
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
    plugins: [fastWidth, lightYargs],
    logLevel: 'warning',
  });
}

/** Lists the files that contribute code to a bundle. */
function listBundled({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** Writes one file of declarations. It contains only the exports of the library, so that nothing else can be imported. */
async function bundleTypes() {
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', root], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the types do not hold');
  const types = await rollup({ input: `${root}dist/types/index.d.ts`, plugins: [dts()], external: /^node:/ });
  await types.write({ file: `${root}dist/index.d.ts`, format: 'es' });
  await types.close();
  rmSync(`${root}dist/types`, { recursive: true });
}

rmSync(`${root}dist`, { recursive: true, force: true });
const results = [await bundle({ main: 'src/main.ts' }), await bundle({ index: 'src/index.ts' })];
chmodSync(`${root}dist/main.js`, 0o755);
writeFileSync(
  `${root}dist/licenses.txt`,
  collectLicenses(
    root,
    results.flatMap(({ metafile }) => listBundled(metafile)),
  ),
);
await bundleTypes();
