// Collects the licences of bundled packages, which it finds from the inputs of the bundler.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The owners of code that a package was compiled from, and that its own licence does not name. The licence is the same. */
const compiledFrom = {
  'quickjs-wasi': `It contains QuickJS-NG, under the same terms:
Copyright (c) 2017-2024 Fabrice Bellard
Copyright (c) 2017-2024 Charlie Gordon
Copyright (c) 2023-2025 Ben Noordhuis
Copyright (c) 2023-2025 Saúl Ibarra Corretgé`,
};

/**
 * Returns a text with the name, version, licence and licence text of each package in a bundle.
 * `inputs` are the paths of the bundler's inputs below `root`. A package without a licence is an error, because it must not be shipped.
 */
export function collectLicenses(root, inputs) {
  const folders = new Set(inputs.flatMap((path) => findPackage(path) ?? []));
  const texts = new Map([...folders].map((folder) => describePackage(join(root, folder))));
  const parts = [...texts.keys()]
    .toSorted((one, other) => (one < other ? -1 : 1))
    .map((title) => `${title}\n\n${texts.get(title).trim()}\n`);
  return ['tunl is distributed together with parts of these packages.\n', ...parts].join(`\n${'-'.repeat(80)}\n\n`);
}

/** Finds the folder of the package that a file belongs to, the innermost if packages are nested. */
function findPackage(path) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

function describePackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`${name} ${version} does not say its licence`);
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)(?:\.|-|$)/i.test(entry));
  const text = file === undefined ? `Licensed under ${license}.` : readFileSync(join(folder, file), 'utf8');
  const notice = existsSync(join(folder, 'NOTICE')) ? `\n\n${readFileSync(join(folder, 'NOTICE'), 'utf8')}` : '';
  const parts = Object.hasOwn(compiledFrom, name) ? `\n\n${compiledFrom[name]}` : '';
  return [`${name} ${version} (${license})`, `${text}${notice}${parts}`];
}
