import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGreeting } from './parts/socat.ts';
import { buildCompanyNames, hasCompanyNames } from './support/company-names.ts';
import type { Part } from './support/part.ts';
import { type Command, type Result, run } from './support/process.ts';
import { makeTunlCommand, startTunlServe } from './support/tunl.ts';
import { workspace } from './support/workspace.ts';

describe.skipIf(!hasCompanyNames)('a name that only a service of nsswitch knows', () => {
  let greeting: Part;
  let folder: string;
  let whereItIsKnown: (command: Command) => Command;

  beforeAll(async () => {
    folder = mkdtempSync(join(workspace, 'names-'));
    whereItIsKnown = buildCompanyNames(folder);
    greeting = await startGreeting('hello');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await greeting.stop();
  });

  const tunl = (...words: string[]): Promise<Result> => run(whereItIsKnown(makeTunlCommand(words)));

  test('is found by curl, by connect and by forward', async () => {
    const place = `db.corp:${greeting.port}`;
    const curl = { file: 'curl', args: ['-s', '--http0.9', `telnet://${place}`] };
    expect((await run(whereItIsKnown(curl))).stdout).toContain('hello');
    expect(await tunl('connect', '--direct', place)).toMatchObject({ code: 0, stdout: 'hello\n' });
    const read = ['sh', '-c', `exec curl -s --http0.9 telnet://{addr}`];
    expect(await tunl('forward', '--direct', `:${place}`, '--', ...read)).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  test('is the name of a proxy too', async () => {
    const proxy = await startTunlServe();
    const words = ['connect', '-x', `http://db.corp:${proxy.port}`, `127.0.0.1:${greeting.port}`];
    expect(await tunl(...words)).toMatchObject({ code: 0, stdout: 'hello\n' });
    await proxy.stop();
  });

  test('is unknown to whom only name servers are asked', async () => {
    const words = ['connect', '--direct', '--resolver', 'dns', '--dns-timeout', '2s', `db.corp:${greeting.port}`];
    const { code, stdout } = await tunl(...words);
    // No name server, or one that does not answer: either way there is no address.
    expect([6, 28]).toContain(code);
    expect(stdout).toBe('');
  });

  test('ends nothing late where the service does not answer: the limit is kept, and so is the exit', async () => {
    const { code, stderr } = await tunl('connect', '--direct', '--dns-timeout', '500ms', 'stuck.corp:22');
    expect([code, stderr]).toEqual([28, 'tunl: stuck.corp was not resolved within 500ms (--dns-timeout)\n']);
  });
});
