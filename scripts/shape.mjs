// Checks the structure of the sources and prints each violation: `node scripts/shape.mjs [ROOT]`.
//
// - Imports go one way: each folder of src/ imports only the folders that the table allows.
// - Inside a folder that is divided into rooms, imports go only from an upper room to a lower one.
// - There are no circular imports, including imports of types and import().
// - Only its owner loads a network module of Node or a library for the terminal.
// - No folder has more than 17 files directly in it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));

const siblings = [
  'background',
  'chain',
  'config',
  'envoy',
  'router',
  'dial',
  'fronts',
  'listeners',
  'carriers',
  'tls',
  'policy',
  'pac',
  'relay',
  'telemetry',
];
const below = ['poll', 'socks', 'websocket', 'http', 'resume', 'auth', 'syntax', 'core'];

/** The folders that each folder may import besides itself. */
const mayImport = {
  core: [],
  h2: ['core'],
  sockets: ['core'],
  resume: ['syntax', 'core'],
  syntax: ['core'],
  auth: ['syntax', 'core'],
  http: ['h2', 'auth', 'syntax', 'core'],
  socks: ['http', 'auth', 'syntax', 'core'],
  websocket: ['http', 'auth', 'syntax', 'core'],
  poll: ['http', 'resume', 'auth', 'syntax', 'core'],
  ...Object.fromEntries(siblings.map((folder) => [folder, below])),
  dial: ['sockets', ...below],
  listeners: ['sockets', ...below],
  tls: ['sockets', ...below],
  config: ['chain', ...below],
  envoy: ['chain', ...below],
  app: [...siblings, ...below],
  // `carriers` and `fronts` only for their registries, from which help and completions are made.
  cli: ['app', 'carriers', 'fronts', ...below],
};

/** Files that may import more than the rest of their folder. */
const exceptions = {
  'src/dial/via.ts': ['tls'],
  'src/auth/negotiate/sources.ts': ['listeners'],
  'src/router/match.ts': ['chain'],
  'src/router/redirect.ts': ['chain'],
  'src/router/rewrite.ts': ['chain'],
};

/** The rooms of a folder, upper first; `.` are the files directly in it. A room may import itself and the rooms after it. */
const rooms = {
  telemetry: ['admin', '.'],
  auth: ['.', 'schemes', 'bearer', 'ntlm', 'negotiate', 'digest', 'model'],
  h2: ['.', 'hpack'],
  http: ['server', 'requests', 'tunnel', 'login', 'h1', 'h2', 'body', 'exchange', 'wire', '.'],
  app: ['commands', 'check', 'graph', 'stages', 'requests', 'admin', '.', 'tunnel', 'workload'],
  chain: ['print', 'read', 'draw', 'check', 'model'],
  envoy: ['import', 'export', 'schema', '.'],
  cli: ['.', 'commands', 'docs', 'lifecycle', 'options', 'parse', 'process', 'terminal'],
  tls: ['.', 'material', 'certificate'],
  pac: ['.', 'system', 'file', 'script', 'ways', 'match'],
};

/** Modules and the files that may load them. Imports of types are allowed, except with `ownsTypes`. */
const owners = [
  { what: /^node:tls$/, who: /^src\/tls\// },
  { what: /^node:http2$/, who: /^never$/, ownsTypes: true },
  { what: /^node:https$/, who: /^never$/ },
  { what: /^quickjs-wasi/, who: /^src\/pac\/script\/engine\.ts$/ },
  { what: /^(?:yargs|chalk|ora|cli-table3)$/, who: /^src\/cli\// },
];

const maxFiles = 17;

/** Folders with a limit of their own. `core` is the shared vocabulary and deliberately flat. */
const limits = {
  'src/core': 30,
};

const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .toSorted((one, other) => (one < other ? -1 : 1));
const imports = new Map(files.map((path) => [path, readImports(path)]));

const faults = [...findUpward(), ...findUphill(), ...findCircles(), ...findStrangers(), ...findCrowded()];
for (const fault of faults) console.log(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function readImports(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const pattern = /(?:\b(?:import|export)\b(\s+type)?[^;]*?\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm;
  return [...text.matchAll(pattern)].map(([, type, name]) => ({
    name: name.startsWith('.') ? join(dirname(path), name) : name,
    isType: type !== undefined,
  }));
}

/** Returns the folder of src/ and the room that a file belongs to. */
function placeOf(path) {
  const [, folder, room = '.'] = /^src\/([^/]+)\/(?:([^/]+)\/)?/.exec(path) ?? [];
  return { folder, room };
}

function findUpward() {
  return files.flatMap((path) => {
    const { folder } = placeOf(path);
    if (folder === undefined) return [];
    if (!(folder in mayImport)) return [`${path}: src/${folder} has no place in the direction of imports`];
    const allowed = [folder, ...mayImport[folder], ...(exceptions[path] ?? [])];
    return imports.get(path).flatMap(({ name }) => {
      const target = name.startsWith('src/') ? (placeOf(name).folder ?? 'the entry points') : folder;
      return allowed.includes(target) ? [] : [`${path} imports ${name}: ${folder} may import ${allowed.join(', ')}`];
    });
  });
}

function findUphill() {
  return files.flatMap((path) => {
    const { folder, room } = placeOf(path);
    const order = rooms[folder];
    if (order === undefined) return [];
    if (!order.includes(room)) return [`${path}: src/${folder}/${room} has no place among the rooms of src/${folder}`];
    return imports
      .get(path)
      .filter(({ name }) => placeOf(name).folder === folder)
      .filter(({ name }) => order.indexOf(placeOf(name).room) < order.indexOf(room))
      .map(({ name }) => `${path} imports ${name}: the rooms of src/${folder} are ${order.join(', ')}, upper first`);
  });
}

/** Finds circular imports with Tarjan's algorithm: files that can reach each other form a circle. */
function findCircles() {
  const found = new Map();
  const stack = [];
  const circles = [];
  const visit = (path) => {
    const node = { index: found.size, low: found.size, isOpen: true };
    found.set(path, node);
    stack.push(path);
    for (const { name } of imports.get(path)) {
      if (!imports.has(name)) continue;
      const next = found.get(name) ?? visit(name);
      if (next.isOpen) node.low = Math.min(node.low, next.low);
    }
    if (node.low === node.index) {
      const members = stack.splice(stack.indexOf(path));
      for (const member of members) found.get(member).isOpen = false;
      if (members.length > 1) circles.push(`a circle of imports: ${members.join(', ')}`);
    }
    return node;
  };
  for (const path of files) if (!found.has(path)) visit(path);
  return circles;
}

function findStrangers() {
  return files.flatMap((path) =>
    imports
      .get(path)
      .filter(({ name, isType }) =>
        owners.some(({ what, who, ownsTypes }) => (ownsTypes || !isType) && what.test(name) && !who.test(path)),
      )
      .map(({ name }) => `${path} loads ${name}, which has another owner`),
  );
}

function findCrowded() {
  const counts = new Map();
  for (const path of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) => {
    const limit = limits[folder] ?? maxFiles;
    return count > limit ? [`${folder} has ${count} files directly in it; ${limit} are enough`] : [];
  });
}
