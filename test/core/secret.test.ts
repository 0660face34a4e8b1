import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';

const credentials = { user: 'alice', password: new Secret('hunter2') };

test.each([
  ['in a template', () => `password ${String(credentials.password)}`],
  ['as JSON', () => JSON.stringify(credentials)],
  ['inspected', () => inspect(credentials, { depth: Infinity, showHidden: true })],
  ['inspected within an error', () => inspect(Object.assign(new Error('failed'), { credentials }))],
  ['by its own keys', () => JSON.stringify(Object.entries(credentials.password))],
  ['copied', () => JSON.stringify(Object.assign({}, credentials.password))],
])('a secret %s does not show', (_, print) => {
  expect(print()).not.toContain('hunter2');
});

test('a secret gives its value to who asks for it', () => {
  expect(credentials.password.reveal()).toBe('hunter2');
});
