import { expect, test } from 'vitest';
import { isInForeground, ownsTerminal } from '../../../src/cli/terminal/terminal.ts';

test.each([
  ['our group is in front', '42 (node) S 1 42 7 34816 42 4194304', true],
  ['a shell or an editor is in front', '42 (node) S 1 42 7 34816 99 4194304', false],
  ['there is no terminal', '42 (node) S 1 42 7 0 -1 4194304', true],
  ['the name of the program is made to confuse', '42 (a) S 1 1 1 (b) S 1 42 7 34816 99 4194304', false],
])('%s', (_what, stat, owned) => {
  expect(ownsTerminal(stat)).toBe(owned);
});

test('this process can tell', () => {
  expect(typeof isInForeground()).toBe('boolean');
});
