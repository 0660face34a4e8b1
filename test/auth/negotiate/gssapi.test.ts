import { describe, expect, onTestFinished, test } from 'vitest';
import { Gssapi, type Machine } from '../../../src/auth/negotiate/gssapi.ts';
import { Native } from '../../../src/auth/negotiate/native.ts';
import { TokenError } from '../../../src/auth/negotiate/tokens.ts';
import { Slots } from '../../../src/core/waiting.ts';
import { TunlError } from '../../../src/core/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeGssapi, type GssStep } from './fake-gssapi.ts';
import { FakeMemory } from './fake-memory.ts';

const name = { service: 'HTTP', host: 'proxy.corp' };
const binding = Buffer.from('tls-server-end-point:hash');
const linux: Machine = { platform: 'linux', arch: 'x64' };
const [complete, goOn, noCredentials, failure] = [0, 1, 0x70000, 0xd0000];
const givenUp = new TunlError('interrupted', 'given up');

/** Opens an exchange with a library that takes these steps. Everything that it gives out has to come back. */
function open(steps: readonly GssStep[], machine = linux, path = 'libgssapi_krb5.so.2') {
  const memory = new FakeMemory();
  const library = new FakeGssapi(memory, steps, machine.platform === 'darwin' && machine.arch === 'x64' ? 0 : 4);
  const gss = new Gssapi(new Native(memory.koffi({ [path]: library.functions })), new Slots(2), machine);
  const abort = new AbortController();
  const context = gss.open({ name, binding, signal: abort.signal });
  onTestFinished(async () => {
    context.close();
    await eventually(() => [...library.held], []);
  });
  return { context, library, abort };
}

const machines: readonly (readonly [what: string, machine: Machine, path: string])[] = [
  ['MIT', linux, 'libgssapi_krb5.so.2'],
  ['Heimdal', linux, 'libgssapi.so.3'],
  ['macOS on arm64', { platform: 'darwin', arch: 'arm64' }, '/System/Library/Frameworks/GSS.framework/GSS'],
  ['macOS on x64', { platform: 'darwin', arch: 'x64' }, '/System/Library/Frameworks/GSS.framework/GSS'],
];

describe('GSSAPI', () => {
  test.each(machines)('of %s makes tokens of SPNEGO with the channel binding', async (_what, machine, path) => {
    const { context, library } = open([{ token: 'first', major: goOn }], machine, path);
    expect(String(await context.step())).toBe('first');
    expect(library.names).toEqual(['HTTP@proxy.corp 2a864886f71201020104']);
    expect(library.calls).toEqual([
      { flags: 2, mechanism: '2b0601050502', input: undefined, binding: String(binding) },
    ]);
  });

  test('answers a challenge, and takes the proof of the other side', async () => {
    const { context, library } = open([
      { token: 'first', major: goOn },
      { token: 'second', major: goOn },
      { token: '', major: complete },
    ]);
    expect(String(await context.step())).toBe('first');
    expect(String(await context.step(Buffer.from('challenge')))).toBe('second');
    expect(await context.finish(Buffer.from('proof'))).toBe('proven');
    expect(library.calls.map(({ input }) => input)).toEqual([undefined, 'challenge', 'proof']);
    expect(library.names).toHaveLength(1);
  });

  test('takes no half of a proof', async () => {
    const { context } = open([
      { token: 'first', major: goOn },
      { token: 'more', major: goOn },
    ]);
    await context.step();
    await expect(context.finish(Buffer.from('proof'))).rejects.toThrow('the proof is not complete');
  });

  test.each<[string, GssStep, string, string]>([
    [
      'no ticket',
      { token: '', major: noCredentials, minor: 1 },
      'No credentials were supplied, or the credentials were unavailable or inaccessible',
      'run kinit',
    ],
    ['an unknown service', { token: '', major: failure, minor: 2 }, 'Server not found in Kerberos database', '?spn='],
    ['a wrong clock', { token: '', major: failure, minor: 3 }, 'Clock skew too great', 'set the clock'],
  ])('tells of %s in the words of the library', async (_what, step, words, hint) => {
    const { context } = open([step]);
    const error: unknown = await context.step().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenError);
    expect((error as TokenError).message).toBe(words);
    expect((error as TokenError).hints.join()).toContain(hint);
  });

  test('that says nothing is quoted with the little that it says', async () => {
    const { context } = open([{ token: '', major: failure, minor: 1 }]);
    await expect(context.step()).rejects.toThrow(/^Unspecified GSS failure/);
  });

  test('is left at once when the signal is aborted, and what it holds is given back', async () => {
    const { context, abort, library } = open([{ token: 'first', major: goOn }]);
    library.onCall = () => abort.abort(givenUp);
    await expect(context.step()).rejects.toBe(givenUp);
    context.close();
    await eventually(() => [...library.held], []);
    await expect(context.step()).rejects.toBe(givenUp);
  });

  test('makes nothing after the end of an exchange', async () => {
    const { context, library } = open([{ token: 'first', major: goOn }]);
    context.close();
    await expect(context.step()).rejects.toThrow('the exchange is over');
    expect(library.calls).toEqual([]);
  });

  test('is not there on a system without a library', () => {
    const native = new Native(new FakeMemory().koffi({}));
    expect(() => new Gssapi(native, new Slots(1), linux)).toThrow('there is no libgssapi.so.3');
  });
});
