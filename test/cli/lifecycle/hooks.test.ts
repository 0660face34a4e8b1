import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Hooks } from '../../../src/cli/lifecycle/hooks.ts';
import { makeTempFolder } from '../../support/temp.ts';
import type { TunlEvent } from '../../../src/core/events.ts';

/** Hooks with short times, and what they report. */
function makeHooks(down: string) {
  const events: TunlEvent[] = [];
  const limits = { downMs: 200, partingMs: 100 };
  const options = { io: { env: process.env }, emit: (event: TunlEvent) => void events.push(event), limits } as const;
  return { events, hooks: new Hooks({ down }, { ...options, output: 'none' }) };
}

const ending = { status: 0, reason: '' };

test('--on-down has a limited time, also if it does not want to end', async () => {
  const { events, hooks } = makeHooks("trap '' TERM; while :; do sleep 0.05; done");
  await hooks.up();
  await hooks.down(ending, new AbortController().signal);
  expect(events).toEqual([
    { event: 'notice', level: 'warning', message: '--on-down was ended, as it took longer than 200ms' },
  ]);
});

test('--on-down runs once, and only after the start', async () => {
  const { events, hooks } = makeHooks('exit 5');
  await hooks.down(ending, new AbortController().signal);
  expect(events).toEqual([]);
  await hooks.up();
  await hooks.down(ending, new AbortController().signal);
  await hooks.down(ending, new AbortController().signal);
  expect(events).toMatchObject([{ message: '--on-down ended with status 5' }]);
});

test('what a command has started ends with it, also what outlives its shell', async () => {
  const pidFile = join(makeTempFolder(), 'pid');
  const { hooks } = makeHooks(`(trap '' TERM; exec sleep 600) & echo $! > ${pidFile}; wait`);
  await hooks.up();
  await hooks.down(ending, new AbortController().signal);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  // Whoever inherits it may take a moment to notice its end.
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
});

test('--on-down is ended by a signal', async () => {
  const { events, hooks } = makeHooks('sleep 600');
  await hooks.up();
  const cut = new AbortController();
  const ended = hooks.down(ending, cut.signal);
  cut.abort();
  await ended;
  expect(events).toMatchObject([{ message: '--on-down was ended by a signal' }]);
});
