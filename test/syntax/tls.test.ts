import { expect, test } from 'vitest';
import { parsePin } from '../../src/syntax/tls.ts';

const base64 = '+/+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0';
const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
const slashFirst = `/${base64.slice(1)}`;

test.each([
  [`sha256/${base64url}`, `sha256/${base64url}`],
  [`sha256/${base64}`, `sha256/${base64url}`],
  [`sha256/${base64}=`, `sha256/${base64url}`],
  [`sha256//${base64}=`, `sha256/${base64url}`],
  [`sha256/${slashFirst}=`, `sha256/_${base64url.slice(1)}`],
  [`sha256//${slashFirst}`, `sha256/_${base64url.slice(1)}`],
])('the pin %s means %s', (text, canonical) => {
  expect(parsePin(text, 'pin')).toBe(canonical);
});

test('several pins have a semicolon between, as with curl', () => {
  const pins = parsePin(`sha256//${base64}=;sha256//${slashFirst}=`, 'pin');
  expect(pins).toBe(`sha256/${base64url};sha256/_${base64url.slice(1)}`);
});

test.each([
  '',
  'sha256/',
  base64,
  `sha1/${base64}`,
  `sha256/${base64}AA`,
  `sha256///${base64}`,
  `sha256/${base64.slice(1)}*`,
  `sha256/${base64};`,
  `sha256/${base64};sha256/short`,
])('%j is no pin', (text) => {
  expect(() => parsePin(text, 'pin')).toThrow(/^pin: ".*" is not a pin$/);
});
