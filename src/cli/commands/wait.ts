import type { Awaited } from '../../app/commands/instances.ts';
import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../syntax/duration.ts';
import { parseInstanceName } from '../../app/commands/instance-name.ts';
import { parseUnix } from '../../syntax/listen.ts';
import { parseTarget } from '../../syntax/target.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';
import { option } from '../parse/option.ts';

const timeoutOption = option('timeout', parseDuration, {
  value: 'TIME',
  summary: 'how long to wait; off waits for ever',
  fallback: '30s',
});

/** `tunl wait`: waits until something listens. */
export const wait: CommandSpec = {
  name: 'wait',
  forms: ['NAME', '[HOST:]PORT', 'unix:PATH'],
  summary: 'wait until a tunl in the background, or an address, accepts',
  examples: [
    { what: 'a tunl in the background', line: 'tunl wait db' },
    { what: 'any server; each try is a connection to it', line: 'tunl wait 127.0.0.1:5432 --timeout 10s' },
  ],
  groups: [{ title: 'How long', options: [timeoutOption] }, outputGroup],
  completes: 'instance or host',
  run: async (args, { io }) => {
    const [word, ...others] = args.operands;
    if (word === undefined || others.length > 0)
      throw usageError('one name or address is needed', 'write NAME, HOST:PORT, PORT or unix:PATH');
    const limitMs = args.get(timeoutOption);
    const awaited = parseAwaited(word);
    const { waitForListener } = await import('../../app/commands/instances.ts');
    await waitForListener(awaited, io.env, limitMs);
    return 0;
  },
};

/** @throws {TunlError} usage */
function parseAwaited(word: string): Awaited {
  if (word.startsWith('unix:')) return { kind: 'address', address: parseUnix(word) };
  if (/^\d+$/.test(word)) return { kind: 'address', address: parseTarget(`127.0.0.1:${word}`) };
  if (word.includes(':')) return { kind: 'address', address: parseTarget(word) };
  return { kind: 'name', name: parseInstanceName(word) };
}
