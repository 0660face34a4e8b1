import { expect, test } from 'vitest';
import { fail } from '../../../src/cli/terminal/fail.ts';
import { Ui, type Verbosity } from '../../../src/cli/terminal/ui.ts';
import { TunlError, usageError } from '../../../src/core/errors.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

const escape = '\u001b';

function makeUi(verbosity: Verbosity = 'normal', form: 'text' | 'json' = 'text') {
  const io = makeIo();
  return { io, ui: new Ui(io, { verbosity, form }) };
}

test.each([
  ['quiet', 'tunl: e\n'],
  ['normal', 'tunl: e\ntunl: n\n'],
  ['verbose', 'tunl: e\ntunl: n\ntunl: v\n'],
  ['debug', 'tunl: e\ntunl: n\ntunl: v\ntunl: d\n'],
] as const)('says as much as %s wants', (verbosity, said) => {
  const { io, ui } = makeUi(verbosity);
  ui.say('error', 'e');
  ui.say('normal', 'n');
  ui.say('verbose', 'v');
  ui.say('debug', 'd');
  expect(io.said()).toBe(said);
});

test('keeps data on stdout and talk on stderr', async () => {
  const { io, ui } = makeUi();
  ui.print('data');
  ui.say('normal', 'talk');
  await ui.flush();
  expect([io.out(), io.said()]).toEqual(['data', 'tunl: talk\n']);
});

test('says nothing that a terminal would obey, and no more than one line', () => {
  const { io, ui } = makeUi();
  ui.say('error', `the proxy said ${escape}[2J\r\nsomething`);
  ui.hint(`${escape}]0;title\u0007`);
  expect(io.said()).toBe('tunl: the proxy said ?[2J??something\ntunl: hint: ?]0;title?\n');
});

test.each([
  ['a pipe', { terminal: false }, false],
  ['a terminal', { terminal: true }, true],
  ['a terminal with NO_COLOR', { terminal: true, env: { NO_COLOR: '1' } }, false],
  ['a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }, false],
  ['a pipe with FORCE_COLOR', { terminal: false, env: { FORCE_COLOR: '1' } }, false],
])('on %s colours are used: %s', async (_where, options, coloured) => {
  const io = makeIo(options);
  const ui = await new Ui(io, { verbosity: 'normal', form: 'text' }).prepare();
  fail(ui, usageError('wrong', 'right'));
  expect(io.said().includes(escape)).toBe(coloured);
  expect(io.said().replaceAll(/\u001b\[\d+m/g, '')).toBe('tunl: wrong\ntunl: hint: right\n');
});

test('with --json stderr holds nothing but JSON, one object per line', () => {
  const { io, ui } = makeUi('normal', 'json');
  ui.say('error', 'talk');
  ui.hint('talk');
  ui.show('normal', 'a table');
  ui.record('normal', 'listening', { address: '127.0.0.1:1', text: 'a\nb' });
  ui.record('verbose', 'notice', {});
  expect(io.records()).toEqual([
    {
      event: 'listening',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      version: 1,
      address: '127.0.0.1:1',
      text: 'a\nb',
    },
  ]);
});

test('a failure is one line with the number of its hop, then hints', () => {
  const { io, ui } = makeUi();
  const error = new TunlError('hop_refused', 'proxy:8080 refused CONNECT db:22: 403 Forbidden', {
    side: 'hop',
    phase: 'handshake',
    hop: { index: 1, count: 2 },
    hints: ['the proxy said: "CONNECT is allowed to port 443 only"'],
  });
  expect(fail(ui, error)).toBe(97);
  expect(io.said()).toBe(
    [
      'tunl: proxy:8080 refused CONNECT db:22: 403 Forbidden (hop 1 of 2)',
      'tunl: hint: the proxy said: "CONNECT is allowed to port 443 only"',
      '',
    ].join('\n'),
  );
});

test('a single hop has no number', () => {
  const { io, ui } = makeUi();
  fail(ui, new TunlError('auth_required', 'proxy wants credentials', { hop: { index: 1, count: 1 } }));
  expect(io.said()).toBe('tunl: proxy wants credentials\n');
});

test('a failure in JSON has its code, side, hop, phase and exit status', () => {
  const { io, ui } = makeUi('quiet', 'json');
  const facts = { side: 'hop', phase: 'dns', hop: { index: 2, count: 3 }, hints: ['try'] } as const;
  expect(fail(ui, new TunlError('dns_error', 'no such name', facts))).toBe(5);
  expect(io.records()).toEqual([
    expect.objectContaining({ event: 'error', code: 'dns_error', side: 'hop', hop: 2, phase: 'dns', exit: 5 }),
  ]);
  expect(io.records()[0]).toMatchObject({ message: 'no such name (hop 2 of 3)', hints: ['try'] });
});

test('a defect is exit 1 and one line; its stack is for -vv', () => {
  const plain = makeUi();
  expect(fail(plain.ui, new RangeError('oops'))).toBe(1);
  expect(plain.io.said()).toBe('tunl: internal error: oops\n');
  const debug = makeUi('debug');
  fail(debug.ui, new RangeError('oops'));
  expect(debug.io.said()).toMatch(/^tunl: internal error: oops\ntunl: at /);
});

test('a reader that went away hears nothing more', () => {
  const { io, ui } = makeUi();
  expect(fail(ui, new TunlError('output_closed', 'EPIPE'))).toBe(141);
  expect(io.said()).toBe('');
});
