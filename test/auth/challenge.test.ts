import { describe, expect, test } from 'vitest';
import { type Challenge, parseChallenges } from '../../src/auth/model/challenge.ts';
import { makeRandom } from '../support/random.ts';

const write = ({ scheme, token, params }: Challenge) => [scheme, ...(token === undefined ? [] : [token]), ...params];

describe('challenges', () => {
  test.each([
    ['a scheme alone', ['NTLM'], [['ntlm']]],
    ['a scheme in another case', ['nTlM'], [['ntlm']]],
    ['a token', ['Negotiate YIIabc+/=='], [['negotiate', 'YIIabc+/==']]],
    [
      'a token and another scheme',
      ['NTLM TlRM=, Basic realm=x'],
      [
        ['ntlm', 'TlRM='],
        ['basic', ['realm', 'x']],
      ],
    ],
    [
      'parameters',
      ['Digest realm="a, b", nonce="\\"q\\\\", qop=auth,algorithm=MD5'],
      [['digest', ['realm', 'a, b'], ['nonce', '"q\\'], ['qop', 'auth'], ['algorithm', 'MD5']]],
    ],
    [
      'several in one field',
      ['Bearer realm="x, Basic realm=y", error="e", Negotiate, NTLM , Digest realm="d" , nonce="n", Basic realm="b"'],
      [
        ['bearer', ['realm', 'x, Basic realm=y'], ['error', 'e']],
        ['negotiate'],
        ['ntlm'],
        ['digest', ['realm', 'd'], ['nonce', 'n']],
        ['basic', ['realm', 'b']],
      ],
    ],
    ['several fields', ['NTLM', 'Basic realm="b"'], [['ntlm'], ['basic', ['realm', 'b']]]],
    ['empty elements', [' , ,NTLM,, Basic realm=b,,'], [['ntlm'], ['basic', ['realm', 'b']]]],
    [
      'blanks beside the sign',
      ['Basic realm = "b" , charset\t=\tUTF-8'],
      [['basic', ['realm', 'b'], ['charset', 'UTF-8']]],
    ],
    ['an empty value', ['Basic realm=""'], [['basic', ['realm', '']]]],
    ['a parameter twice', ['Basic realm=a, realm=b'], [['basic', ['realm', 'a']]]],
    ['a string without an end', ['Basic realm="b, NTLM'], [['basic', ['realm', 'b, NTLM']]]],
    ['a parameter of no scheme', ['realm="x", NTLM'], [['ntlm']]],
    ['words that are no schemes', ['"x", @y, NTLM'], [['ntlm']]],
    ['nothing', ['', ' ', ','], []],
  ] as const)('with %s are read', (_, values, expected) => {
    expect(parseChallenges(values).map(write)).toEqual(expected);
  });

  test('keep the scheme as it is written, for messages', () => {
    expect(parseChallenges(['kerberos, NTLM']).map(({ title }) => title)).toEqual(['kerberos', 'NTLM']);
  });

  test('are bounded in number', () => {
    expect(parseChallenges([Array.from({ length: 500 }, (_, index) => `s${index}`).join(', ')])).toHaveLength(32);
    const many = Array.from({ length: 500 }, (_, index) => `p${index}=v`).join(', ');
    expect(parseChallenges([`Basic ${many}`])[0]?.params.size).toBe(64);
  });

  test.each([
    ['quotes', '"\\'.repeat(32_000)],
    ['quoted pairs', '"\\"'.repeat(20_000)],
    ['commas', ','.repeat(60_000)],
    ['schemes', 'a '.repeat(30_000)],
    ['signs', 'a='.repeat(30_000)],
    ['token characters', `a ${'='.repeat(60_000)}x`],
  ])('of 60 KB of %s are read in a moment', (_, text) => {
    const started = performance.now();
    parseChallenges([text, `Basic ${text}`]);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test('whatever comes, the parser neither fails nor loses what follows', () => {
  const random = makeRandom(12);
  const parts = [
    'Basic',
    'NTLM',
    ' ',
    ',',
    '=',
    '"',
    '\\',
    'realm',
    'x',
    '\t',
    'é',
    '\u0000',
    'TlRM==',
    '/',
    ';',
    '(',
    'nonce="a,b"',
  ];
  for (let run = 0; run < 20_000; run++) {
    const text = Array.from({ length: random(24) }, () => parts[random(parts.length)]).join('');
    const found = parseChallenges([text, 'Digest realm="after"']);
    expect(found.at(-1)?.scheme).toBe('digest');
    expect(found.at(-1)?.params.get('realm')).toBe('after');
    for (const { scheme } of found) expect(scheme).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+$/);
  }
});
