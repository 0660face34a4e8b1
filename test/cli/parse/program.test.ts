import { expect, test } from 'vitest';
import { ipv4Option, ipv6Option, proxyOption } from '../../../src/cli/options/route.ts';
import { tlsOptions } from '../../../src/cli/options/tls.ts';
import { quietOption, verboseOption } from '../../../src/cli/options/output.ts';
import { UnknownWord } from '../../../src/cli/parse/program.ts';
import { lateRefusalOf, type Refusal, refusalOf } from '../../support/usage.ts';
import { parseCommandLine } from '../../support/harness/command-line.ts';

const parse = (...words: string[]) => parseCommandLine(words).args;

test('finds the command and sorts its words', () => {
  const { command, args } = parseCommandLine(['connect', '-x', 'http://a:1', 'db', '-vv', '22', '--cert', 'c']);
  expect(command.name).toBe('connect');
  expect(args.operands).toEqual(['db', '22']);
  expect([args.get(proxyOption), args.get(verboseOption), args.get(tlsOptions.cert)]).toEqual([['http://a:1'], 2, 'c']);
});

test('takes options before the command, as git does', () => {
  expect(parse('-v', 'connect', 'db:22').get(verboseOption)).toBe(1);
});

test.each([
  [['-x', 'http://a:1', '-x', 'b:2']],
  [['-xhttp://a:1', '-xb:2']],
  [['-x=http://a:1', '--proxy=b:2']],
  [['--proxy', 'http://a:1', '--proxy', 'b:2']],
])('reads repeated proxies written as %j', (words) => {
  const args = parse('connect', ...words, 'db:22');
  expect(args.get(proxyOption)).toEqual(['http://a:1', 'b:2']);
  expect(args.operands).toEqual(['db:22']);
});

test('keeps numbers as they are written', () => {
  expect(parse('connect', '0x10', '022').operands).toEqual(['0x10', '022']);
  expect(parse('forward', ':db:1', '--servername', '007').get(tlsOptions.servername)).toBe('007');
});

test('lets the last of several values count, as curl does', () => {
  expect(parse('connect', 'a:1', '--cert', '1s', '--cert', '2s').get(tlsOptions.cert)).toBe('2s');
});

test('reads switches and single letters', () => {
  const args = parse('connect', 'a:1', '-4v', '--insecure', '-q');
  expect([
    args.get(ipv4Option),
    args.get(ipv6Option),
    args.get(tlsOptions.insecure),
    args.get(quietOption),
    args.get(verboseOption),
  ]).toEqual([true, false, true, true, 1]);
});

test('takes what follows -- as operands where it is no command', () => {
  const args = parse('passwd', 'users', '--', '-alice');
  expect([args.operands, args.rest]).toEqual([['users', '-alice'], undefined]);
});

test('keeps a command that follows -- apart', () => {
  const args = parse('forward', ':db:1', '--', 'psql', '-x', '--unknown', 'a\nb');
  expect(args.operands).toEqual([':db:1']);
  expect(args.rest).toEqual(['psql', '-x', '--unknown', 'a\nb']);
});

test.each([[['-L', '8080:db:80', ':db:1']], [['-L8080:db:80', '-L:db:1']], [['8080:db:80', '-L', ':db:1']]])(
  'accepts the prefix of ssh in %j and keeps the order',
  (words) => {
    expect(parse('forward', ...words).operands).toEqual(['8080:db:80', ':db:1']);
  },
);

test.each([
  [[], 'a command is missing', 'the commands are'],
  [['conect', 'a:1'], 'unknown command "conect"', 'did you mean tunl connect?'],
  [['--frobnicate'], 'a command is missing: "--frobnicate" is an option', 'the commands are'],
  [['--proxy-header=X-Key: secret'], 'a command is missing: "--proxy-header" is an option', 'the commands are'],
  [['-V'], 'a command is missing: "-V" is an option', 'did you mean tunl --version?'],
  [['connect', 'a:1', '--prxy', 'x'], 'unknown option "--prxy"', 'did you mean --proxy?'],
  [['connect', 'a:1', '--no-insecure'], 'unknown option "--no-insecure"', 'tunl connect --help-all lists the options'],
  [['connect', 'a:1', '--connectTimeout=5s'], 'unknown option "--connectTimeout"', 'did you mean --connect-timeout?'],
  [['connect', 'a:1', '-z'], 'unknown option "-z"', 'tunl connect --help-all lists the options'],
  [['connect', '-L', 'a:1'], 'unknown option "-L"', 'write tunl forward PORT:HOST:HOSTPORT'],
  [['serve', '--tls-target'], 'unknown option "--tls-target"', 'tunl serve --help-all lists the options'],
])('refuses %j', async (words, message, hint) => {
  const refusal = await explain(words);
  expect(refusal.message).toBe(message);
  expect(refusal.hints.join('; ')).toContain(hint);
});

/** Returns what a command line is answered that is refused, as `run` does. */
function explain(words: readonly string[]): Promise<Refusal> {
  const parsed = (async () => parse(...words))();
  return lateRefusalOf(
    parsed.catch(async (error: unknown) => {
      throw error instanceof UnknownWord ? await error.explain() : error;
    }),
  );
}

test.each([
  [['-x'], '--proxy needs a value: URL'],
  [['--cert', '--ipv4'], '--cert needs a value: FILE'],
  [['--cert='], '--cert needs a value: FILE'],
  [['--cert', ''], '--cert needs a value: FILE'],
  [['--linger', '1s', '--linger='], '--linger needs a value: TIME'],
])('wants a value in %j', (words, message) => {
  expect(refusalOf(() => parse('connect', 'a:1', ...words)).message).toBe(message);
});

test('never reads a value of a switch as a no', () => {
  expect(refusalOf(() => parse('connect', 'a:1', '--insecure=yes')).message).toBe('--insecure takes no value');
  expect(refusalOf(() => parse('serve', '--open=false')).message).toBe('--open takes no value');
});

test.each(['a:1\r\nX: y', 'a\u0000b', 'a\u001b[31m', 'a\u0085b'])('refuses the control character in %j', (word) => {
  const { message } = refusalOf(() => parse('connect', word));
  expect(message).toMatch(/^an argument holds a control character: "a/);
});

test('keeps a password in a misplaced word to itself', async () => {
  for (const words of [
    ['http://a:hunter2@p:1', 'db:22'],
    ['connect', 'http://a:hunter2\r@p:1'],
  ]) {
    const { message, hints } = await explain(words);
    expect(`${message} ${hints.join(' ')}`).not.toContain('hunter2');
  }
});
