import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadChain } from '../../../src/app/commands/chain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { lateRefusalOf } from '../../support/usage.ts';

const options = { env: {}, allowUnknownFields: false };

/** Loads a file with these bytes, which must be refused, and returns the message with a short path. */
async function refuseBytes(bytes: string | Buffer): Promise<string> {
  const path = join(makeTempFolder(), 'chain.yaml');
  writeFileSync(path, bytes);
  const { message } = await lateRefusalOf(loadChain(path, options));
  return message.replace(path, 'chain.yaml');
}

const laughs = ['a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
for (const [name, last] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg', 'ih'].map(
  (pair) => pair.split('') as [string, string],
)) {
  laughs.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join(', ')}]`);
}

test.each([
  ['a billion laughs', laughs.join('\n'), 'chain.yaml has aliases that repeat too much'],
  ['ten megabytes', `# ${'x'.repeat(10_000_000)}`, 'chain.yaml has more than 1048576 bytes'],
  ['Latin-1', Buffer.from('stages:\n  a: { to: "b\xe9:1" }\n', 'latin1'), 'chain.yaml:2:14: this is not UTF-8'],
  ['UTF-16', Buffer.from('\uFEFFstages: {}', 'utf16le'), 'chain.yaml:1:1: this is not UTF-8'],
  ['a character that is cut', Buffer.from([0x61, 0xe2, 0x82]), 'chain.yaml:1:2: this is not UTF-8'],
  [
    'two documents',
    'stages: {}\n---\nstages: {}\n',
    'chain.yaml:2:1: a file holds one document, and here a second one begins',
  ],
  ['a key that is there twice', 'stages:\n  a: {}\n  a: {}\n', 'chain.yaml:3:3: duplicate key "a"'],
  ['a key that JavaScript hides', 'stages:\n  __proto__: {}\n', 'chain.yaml:2:3: "__proto__" cannot be a key'],
  ['tabs', 'stages:\n\ta: {}\n', 'chain.yaml:2:1: this is not YAML: tabs are not allowed as indentation'],
])('%s is refused', async (_what, bytes, message) => {
  expect(await refuseBytes(bytes)).toBe(message);
});

test('of thousands of faults the first are said', async () => {
  const stages = Array.from({ length: 5_000 }, (_, index) => `  s${index}: { lsten: 1 }\n`).join('');
  expect(await refuseBytes(`stages:\n${stages}`)).toBe('chain.yaml:2:9: unknown key "lsten"');
});

test('what has no end is not read to its end', async () => {
  const { message } = await lateRefusalOf(loadChain('/dev/zero', options));
  expect(message).toBe('/dev/zero has more than 1048576 bytes');
});

test('a mark of the order of bytes is no part of the text', async () => {
  expect(await refuseBytes('\uFEFFstages: {}')).toBe('chain.yaml:1:9: there is no stage');
});
