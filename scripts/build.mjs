// Bundles the program and the library into dist/, with the type declarations of the library and the licences of bundled packages.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { commonOptions } from './bundle-options.mjs';
import { bundleLibrary, bundleProgram } from './bundle.mjs';
import { collectLicenses } from './licenses.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const common = {
  ...commonOptions,
  outdir: 'dist',
  loader: { '.html': 'text', '.wasm': 'file' },
  // Without a hash: the program reads the file that is written with the library.
  assetNames: '[name]',
  sourcemap: process.argv.includes('--sourcemap'),
  define: { ...commonOptions.define, TUNL_SINGLE: 'false' },
};

/** The files that a start reads: `connect` for every command, `serve` for those that listen, `tls` for secured hops, `run-command` for `forward -- COMMAND`. */
const rooms = {
  connect: ['src/cli/index.ts', 'src/cli/commands/connect.ts', 'src/app/commands/connect.ts'],
  serve: [
    'src/cli/commands/forward.ts',
    'src/cli/commands/serve.ts',
    'src/app/commands/forward.ts',
    'src/app/commands/serve.ts',
  ],
  'run-command': ['src/cli/lifecycle/run-command.ts'],
  tls: ['src/tls/client.ts', 'src/tls/material/material.ts'],
};

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
const bundled = [
  ...(await bundleProgram({ main: 'src/main.ts' }, rooms, common)),
  ...(await bundleLibrary({ index: 'src/index.ts' }, common)),
];
chmodSync(`${root}dist/main.js`, 0o755);
writeFileSync(`${root}dist/licenses.txt`, collectLicenses(root, bundled));
await bundleTypes();
