import { describe, expect, onTestFinished, test } from 'vitest';
import { Native, type NativeValue } from '../../../src/auth/negotiate/native.ts';
import { Sspi } from '../../../src/auth/negotiate/sspi.ts';
import { Slots } from '../../../src/core/waiting.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeFunction, FakeMemory } from './fake-memory.ts';

const name = { service: 'HTTP', host: 'proxy.corp' };
const binding = Buffer.from('tls-server-end-point:hash');
const [tokenKind, bindingsKind] = [2, 14];
const goOn = 0x90312;

interface SspiCall {
  readonly target: NativeValue;
  readonly isFirst: boolean;
  readonly parts: readonly (readonly [kind: number, bytes: string])[];
}

/** An exchange with a library whose calls end with these statuses; a token has the number of its call. */
function open(statuses: readonly number[], acquired = 0) {
  const memory = new FakeMemory();
  const calls: SspiCall[] = [];
  const held = new Set<string>();
  const readParts = (head: Buffer) => {
    const count = head.readUInt32LE(4);
    const array = memory.read(head.readBigUInt64LE(8), 16 * count);
    return Array.from({ length: count }, (_part, index) => {
      const part = array.subarray(16 * index);
      return { part, kind: part.readUInt32LE(4), bytes: memory.read(part.readBigUInt64LE(8), part.readUInt32LE()) };
    });
  };
  const functions: Record<string, FakeFunction> = {
    AcquireCredentialsHandleW: (principal, mechanism, use) => {
      expect([principal, mechanism, use]).toEqual([null, 'Negotiate', 2]);
      if (acquired === 0) held.add('credentials');
      return acquired;
    },
    InitializeSecurityContextW: (_credentials, context, target, ...rest) => {
      const input = rest[3];
      const parts = Buffer.isBuffer(input) ? readParts(input) : [];
      calls.push({
        target,
        isFirst: context === null,
        parts: parts.map(({ kind, bytes }) => [kind, bytes.toString('latin1')] as const),
      });
      const [output] = readParts(rest[6] as Buffer);
      const token = `token ${calls.length}`;
      output?.bytes.write(token);
      output?.part.writeUInt32LE(token.length);
      held.add('context');
      return statuses[calls.length - 1] ?? 0x80090308;
    },
    DeleteSecurityContext: () => Number(!held.delete('context')),
    FreeCredentialsHandle: () => Number(!held.delete('credentials')),
  };
  const sspi = new Sspi(new Native(memory.koffi({ 'secur32.dll': functions })), new Slots(2));
  const context = sspi.open({ name, binding, signal: new AbortController().signal });
  onTestFinished(() => context.close());
  return { context, calls, held };
}

describe('SSPI', () => {
  test('makes tokens of Negotiate with the channel binding, and answers a challenge', async () => {
    const { context, calls, held } = open([goOn, 0]);
    expect(String(await context.step())).toBe('token 1');
    expect(String(await context.step(Buffer.from('challenge')))).toBe('token 2');
    // Six numbers that are nought, the length of the data, and where it begins.
    const bindings = `${'\0'.repeat(24)}\u0019\0\0\0\u0020\0\0\0${String(binding)}`;
    expect(calls).toEqual([
      { target: 'HTTP/proxy.corp', isFirst: true, parts: [[bindingsKind, bindings]] },
      {
        target: 'HTTP/proxy.corp',
        isFirst: false,
        parts: [
          [tokenKind, 'challenge'],
          [bindingsKind, bindings],
        ],
      },
    ]);
    expect(await context.finish(Buffer.from('nothing more is read'))).toBe('proven');
    context.close();
    await eventually(() => [...held], []);
  });

  test('tells of a failure by its name', async () => {
    const { context, calls } = open([], 0x8009030e);
    const step = context.step();
    await expect(step).rejects.toThrow('there are no credentials (SEC_E_NO_CREDENTIALS)');
    await expect(step).rejects.toMatchObject({ hints: [expect.stringContaining('kinit')] });
    expect(calls).toEqual([]);
  });

  test('tells of a failure without a name by its number', async () => {
    const { context } = open([0x80091234]);
    await expect(context.step()).rejects.toThrow('it failed with status 0x80091234');
  });
});
