import { expect, test } from 'vitest';
import { Doubts } from '../../../src/app/tunnel/doubts.ts';
import type { TunlEvent } from '../../../src/core/events.ts';

test('says each kind of doubt once a minute', () => {
  let now = 5;
  const events: TunlEvent[] = [];
  const doubts = new Doubts(
    (event) => void events.push(event),
    () => now,
  );
  doubts.say('empty', 'first');
  doubts.say('empty', 'second');
  doubts.say('web', 'another kind');
  now += 59_999;
  doubts.say('empty', 'third');
  now += 1;
  doubts.say('empty', 'a minute later');
  expect(events).toEqual(
    ['first', 'another kind', 'a minute later'].map((message) => ({ event: 'notice', level: 'warning', message })),
  );
});
