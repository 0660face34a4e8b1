// Bundles the program, the library and the single executable: each an entry and what it loads on demand.
import { isBuiltin } from 'node:module';
import { resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { rollup } from 'rollup';

const target = 'node20.19';
/** The Node that a single executable contains. */
const singleTarget = 'node26';
const minified = { minifySyntax: true, minifyWhitespace: true, minifyIdentifiers: true };

/** CommonJS packages in a bundle call `require` for modules of Node. */
const requireLine = 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);';

/**
 * Bundles the library: `entry` maps a name to a source. It stays in the files of esbuild, and its imports of Node are
 * written so that other bundlers see them. Returns the paths of the files that contribute code.
 */
export async function bundleLibrary(entry, options) {
  const { metafile } = await compile(entry, { ...options, ...minified, banner: { js: requireLine } });
  return listBundled(metafile);
}

/**
 * Bundles the program, so that a start reads few files. esbuild cuts wherever two places of `import()` share code, which
 * makes forty files of a `connect`; Rollup joins them. `rooms` names files, each with the sources that are loaded on
 * demand: into that file come these and everything that they import, except for what an earlier room has. Returns the
 * paths of the files that contribute code.
 */
export async function bundleProgram(entry, rooms, options) {
  const { root, outdir, sourcemap } = options;
  const { outputFiles, metafile } = await compile(entry, {
    ...options,
    write: false,
    sourcemap: sourcemap && 'external',
  });
  const input = Object.fromEntries(Object.keys(entry).map((name) => [name, resolve(root, outdir, `${name}.js`)]));
  const joined = await rollup({
    input,
    external: isBuiltin,
    treeshake: false,
    plugins: [readFrom(outputFiles, Object.values(input))],
  });
  await joined.write({
    dir: resolve(root, outdir),
    format: 'es',
    // Without the hash of esbuild.
    chunkFileNames: ({ name }) => `${name.replace(/-[A-Z0-9]{8}$/, '')}-[hash].js`,
    hashCharacters: 'base36',
    manualChunks: placeRooms(rooms, metafile, root),
    sourcemap,
    plugins: [minify(sourcemap)],
  });
  await joined.close();
  return listBundled(metafile);
}

/**
 * Bundles the program into one file of CommonJS, as a single executable runs it: what is imported on demand runs when it
 * is asked for, and takes the modules of Node only then. Returns the paths of the files that contribute code.
 */
export async function bundleSingle(entry, outfile, { root, ...options }) {
  const { metafile } = await build({
    ...options,
    ...minified,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: singleTarget,
    legalComments: 'none',
    metafile: true,
  });
  return listBundled(metafile);
}

function compile(entry, { root, ...options }) {
  return build({
    ...options,
    absWorkingDir: root,
    entryPoints: entry,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target,
    // The file of licences contains them once.
    legalComments: 'none',
    metafile: true,
  });
}

/**
 * Lets Rollup read the files that esbuild wrote. Each file that an entry imports statically becomes a copy for it: as a
 * part of the first room it would bring that room with it, and as a file of its own each start would read one more.
 */
function readFrom(outputFiles, entries) {
  const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const copy = '?copy';
  const find = (name, importer) => resolve(importer, '..', name);
  const isOfEntry = (path) => entries.includes(path) || path.endsWith(copy);
  return {
    name: 'read-from-memory',
    resolveId: (name, importer) =>
      importer === undefined ? name : find(name, importer) + (isOfEntry(importer) ? copy : ''),
    // A computed name stays as it is, because its value is known only when the program runs.
    resolveDynamicImport: (name, importer) =>
      typeof name !== 'string' || isBuiltin(name) ? null : find(name, importer),
    load(id) {
      const path = id.replace(copy, '');
      return { code: texts.get(path), map: texts.get(`${path}.map`) ?? null };
    },
  };
}

/** Finds the files of esbuild that hold the sources of each room. */
function placeRooms(rooms, { outputs }, root) {
  const places = new Map(Object.entries(outputs).map(([path, { entryPoint }]) => [entryPoint, resolve(root, path)]));
  const find = (source) => {
    const place = places.get(source);
    if (place === undefined) throw new Error(`${source} is not loaded on demand`);
    return place;
  };
  return Object.fromEntries(Object.entries(rooms).map(([name, sources]) => [name, sources.map(find)]));
}

function minify(sourcemap) {
  const options = { ...minified, target, format: 'esm', treeShaking: true, sourcemap: sourcemap && 'external' };
  return {
    name: 'minify',
    async renderChunk(rendered) {
      const text = takeBuiltins(rendered);
      const { code, map } = await transform(text, options);
      if (!/\brequire\b[(<]/.test(code)) return { code, map: map || null };
      return transform(text, { ...options, banner: requireLine });
    },
  };
}

/**
 * Takes the modules of Node without `import`, which would read every property of `node:fs`, `node:process` and others,
 * and so load what is behind their getters: streams of files, reports, terminals.
 */
function takeBuiltins(code) {
  const line = /^import (?:([\w$]+)|\* as ([\w$]+))?(?:, )?(?:\{ (.*) \})? from '([^']+)';$/gm;
  return code.replace(line, (whole, fallback, all, names, name) => {
    if (!isBuiltin(name)) return whole;
    const parts = [fallback ?? all, names && `{ ${names.replaceAll(' as ', ': ')} }`].filter(Boolean);
    return parts.map((part) => `const ${part} = globalThis.process.getBuiltinModule('${name}');`).join(' ');
  });
}

/** Lists the files that contribute code to a bundle. */
function listBundled({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}
