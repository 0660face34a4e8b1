import { expect, test } from 'vitest';
import { Hooks } from '../../../src/cli/lifecycle/hooks.ts';
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
  // Tunnels that a second signal has cut do not cut it short.
  await hooks.down(ending, AbortSignal.abort());
  await hooks.down(ending, new AbortController().signal);
  expect(events).toMatchObject([{ message: '--on-down ended with status 5' }]);
});
