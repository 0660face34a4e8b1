// Builds the single executable, which needs no Node on its machine: `npm run build:binary`, or with the path of the
// result as an argument. It contains the newest Node 26 for this system, the program as one file of JavaScript with its
// compiled code, and the files that the program shows or reads. It takes what `npm run build` has made for granted.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { commonOptions } from './bundle-options.mjs';
import { bundleSingle } from './bundle.mjs';
import { collectLicenses } from './licenses.mjs';
import { installNode } from './nodes.mjs';

const { root } = commonOptions;
const output = resolve(process.argv[2] ?? join(root, 'dist/bin', process.platform === 'win32' ? 'tunl.exe' : 'tunl'));

const work = mkdtempSync(join(tmpdir(), 'tunl-binary-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
try {
  await buildBinary();
} catch (error) {
  console.error(`build-binary: ${error.message}`);
  process.exitCode = 1;
}

async function buildBinary() {
  const node = installNode('26');
  const main = join(work, 'tunl.cjs');
  const bundled = await bundleSingle('src/single.ts', main, {
    ...commonOptions,
    // The file of WebAssembly is an asset, and its URL is not read.
    loader: { '.html': 'text', '.wasm': 'empty' },
    define: { ...commonOptions.define, TUNL_SINGLE: 'true', 'import.meta.url': 'ownUrl' },
    // Packages give it to createRequire.
    banner: { js: 'const ownUrl=require("node:url").pathToFileURL(__filename).href;' },
  });
  const licenses = join(work, 'licenses.txt');
  writeFileSync(licenses, joinLicenses(bundled, node));
  const config = join(work, 'sea.json');
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      main,
      mainFormat: 'commonjs',
      output,
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: true,
      // A machine on which V8 rejects the compiled code runs the program all the same.
      execArgv: ['--no-warnings'],
      // Neither NODE_OPTIONS nor arguments reach Node: what a user types is for tunl.
      execArgvExtension: 'none',
      assets: { ...listFiles('man'), ...listFiles('completions'), ...wasmFile(), 'dist/licenses.txt': licenses },
    }),
  );
  const { status, stderr, error } = spawnSync(node.path, ['--build-sea', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Node ${node.version} could not build it: ${error?.message ?? stderr}`);
  chmodSync(output, 0o755);
  console.log(`wrote ${output}, with Node ${node.version}`);
}

/** The assets of a folder: the path in the package of each file, and where it is. */
function listFiles(folder) {
  return Object.fromEntries(
    readdirSync(join(root, folder)).map((name) => [`${folder}/${name}`, join(root, folder, name)]),
  );
}

function wasmFile() {
  return { 'dist/quickjs.wasm': join(root, 'node_modules/quickjs-wasi/quickjs.wasm') };
}

/** The licences of what is bundled, and of Node with its own parts. */
function joinLicenses(bundled, { home, version }) {
  const own = join(home, 'LICENSE');
  if (!existsSync(own)) throw new Error(`the licence of Node ${version} is not in ${home}`);
  return `${collectLicenses(root, bundled)}\n${'-'.repeat(80)}\n\nNode.js ${version}\n\n${readFileSync(own, 'utf8')}`;
}
