import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { createSystemLookup } from '../../src/dial/system-lookup.ts';
import { eventually } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';

const never = new AbortController().signal;

/**
 * Lookups by helpers that note what they are asked, answer names that begin with `quick`, and end at `crash`. Each is
 * let go as soon as it has nothing to do.
 */
function startLookups(idleMs = 1) {
  const notes = join(makeTempFolder(), 'notes');
  const script = `
    const { appendFileSync } = require('node:fs');
    process.stdin.on('end', () => process.exit());
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { host, family } = JSON.parse(line);
      appendFileSync(${JSON.stringify(notes)}, process.pid + ' ' + host + ' ' + family + '\\n');
      if (host === 'crash') process.exit(1);
      if (host.startsWith('quick')) console.log(JSON.stringify({ ips: [{ address: '192.0.2.1', family: 4 }] }));
    });`;
  const read = () => {
    try {
      return readFileSync(notes, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' '));
    } catch {
      return [];
    }
  };
  const isRunning = (pid: string | undefined) => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };
  return {
    lookup: createSystemLookup({ helperArgs: ['-e', script], idleMs }),
    asked: () => read().map(([, host]) => host),
    helpers: () => [...new Set(read().map(([pid]) => pid))],
    living: () => read().filter(([pid]) => isRunning(pid)).length,
  };
}

/** Something to abort that is aborted at the end in any case. */
function makeAbort(): AbortController {
  const abort = new AbortController();
  onTestFinished(() => abort.abort(new TunlError('interrupted', 'the test is over')));
  return abort;
}

describe('lookups of the system', () => {
  test('are those of getaddrinfo', async () => {
    const lookup = createSystemLookup({ idleMs: 1 });
    expect(await lookup('127.0.0.1', undefined, never)).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await lookup('::1', 6, never)).toEqual([{ address: '::1', family: 6 }]);
    await expect(lookup('a name with blanks', undefined, never)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test('are made one after the other by one helper, which is let go when it has nothing to do', async () => {
    const { lookup, helpers, living } = startLookups(200);
    for (const host of ['quick-1', 'quick-2']) {
      expect(await lookup(host, undefined, never)).toEqual([{ address: '192.0.2.1', family: 4 }]);
    }
    expect(helpers()).toHaveLength(1);
    await eventually(living, 0);
  });

  test('are two at a time, the others wait for their turn, and who waits no longer is not asked for', async () => {
    const { lookup, asked, living } = startLookups();
    const [first, second, third] = [makeAbort(), makeAbort(), makeAbort()];
    const stuck = ['slow-1', 'slow-2'].map((host, index) =>
      expect(lookup(host, undefined, (index === 0 ? first : second).signal)).rejects.toThrow('given up'),
    );
    const waiting = expect(lookup('slow-3', undefined, third.signal)).rejects.toThrow('given up');
    const last = lookup('quick', undefined, never);
    await eventually(() => asked().length, 2);
    third.abort(new TunlError('interrupted', 'given up'));
    await waiting;
    expect(new Set(asked())).toEqual(new Set(['slow-1', 'slow-2']));
    first.abort(new TunlError('interrupted', 'given up'));
    expect(await last).toHaveLength(1);
    expect(asked()).toContain('quick');
    second.abort(new TunlError('interrupted', 'given up'));
    await Promise.all(stuck);
    expect(asked()).not.toContain('slow-3');
    await eventually(living, 0);
  });

  test('that nobody waits for are killed', async () => {
    const { lookup, living } = startLookups();
    const abort = makeAbort();
    const stuck = expect(lookup('slow', undefined, abort.signal)).rejects.toThrow('given up');
    await eventually(living, 1);
    abort.abort(new TunlError('interrupted', 'given up'));
    await stuck;
    await eventually(living, 0);
  });

  test('fail with a helper that ends, and the next has another', async () => {
    const { lookup, helpers, living } = startLookups();
    await expect(lookup('crash', undefined, never)).rejects.toMatchObject({ code: 'the helper ended' });
    expect(await lookup('quick', 4, never)).toHaveLength(1);
    expect(helpers()).toHaveLength(2);
    await eventually(living, 0);
  });
});
