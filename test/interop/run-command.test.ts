import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeScript, signalScript } from '../support/harness/scripts.ts';
import { startPostgres } from './parts/postgres.ts';
import { startRedis } from './parts/redis.ts';
import { startSquid } from './parts/squid.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import type { Part } from './support/part.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { type Result, run, type RunOptions } from './support/process.ts';
import { formatSshOptions } from './support/ssh.ts';
import { launchInTerminal } from './support/terminal.ts';
import { makeTunlCommand, tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

let squid: Part;

beforeAll(async () => {
  squid = await startSquid();
  return squid.stop;
});

/** The words of `tunl forward` through squid to a part, from a free port. */
function forwardTo(part: Part): string[] {
  return ['forward', '-q', '-x', `http://127.0.0.1:${squid.port}`, `:127.0.0.1:${part.port}`];
}

function runThrough(part: Part, command: readonly string[], options?: RunOptions & { env?: Record<string, string> }) {
  return tunl([...forwardTo(part), '--', ...command], options);
}

describe('psql behind tunl forward', () => {
  const psql = ['psql', '-X', '-h', '{host}', '-p', '{port}', '-U', 'postgres', '-v', 'ON_ERROR_STOP=1'];
  let postgres: Part;

  beforeAll(async () => {
    postgres = await startPostgres();
    return postgres.stop;
  });

  test('asks and is answered', async () => {
    const result = await runThrough(postgres, [...psql, '-Atc', 'select 6 * 7']);
    expect(result, postgres.log()).toMatchObject({ code: 0, stdout: '42\n', stderr: '' });
  });

  test('reads its script from stdin, and megabytes come back', async () => {
    const input = `\\pset format unaligned\n\\t on\nselect repeat('x', 999) from generate_series(1, 10000);\n`;
    const { code, stdout, stderr } = await runThrough(postgres, [...psql, '-q'], { input });
    expect([code, stderr], postgres.log()).toEqual([0, '']);
    const rows = stdout.split('\n').filter((row) => row === 'x'.repeat(999));
    expect(rows).toHaveLength(10_000);
  });

  test('fails with a status of its own, which is ours', async () => {
    const result = await runThrough(postgres, [...psql, '-f', '-'], { input: 'select 1 / 0;' });
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('division by zero') });
  });

  test('is stopped in a query by Ctrl-C, and goes on', async () => {
    const session = launchInTerminal(makeTunlCommand([...forwardTo(postgres), '--', ...psql, '-P', 'pager=off']));
    await session.waitForScreen(/postgres=# /);
    // One query, because a signal between two of them would end none.
    session.type(`do $$ begin raise notice 'started'; perform pg_sleep(60); end $$;\r`);
    await session.waitForScreen(/NOTICE: +started/);
    session.type('\u0003');
    await session.waitForScreen(/canceling statement due to user request/);
    session.type(`select 6 * 7 as answer;\r`);
    await session.waitForScreen(/\n +42\r\n/);
    session.type('\\q\r');
    expect(await session.ended).toMatchObject({ code: 0 });
  });

  test('is told why when the proxy refuses', async () => {
    const closed = await startSquid({ rules: 'http_access deny all' });
    const words = ['forward', '-x', `http://127.0.0.1:${closed.port}`, `:127.0.0.1:${postgres.port}`];
    const result = await tunl([...words, '--', ...psql, '-c', 'select 1']);
    await closed.stop();
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/^tunl: 127\.0\.0\.1:\d+ refused CONNECT 127\.0\.0\.1:\d+: 403 Forbidden$/m);
  });
});

describe('redis-cli behind tunl forward', () => {
  let redis: Part;

  beforeAll(async () => {
    redis = await startRedis();
    return redis.stop;
  });

  const redisCli = ['redis-cli', '-h', '{host}', '-p', '{port}'];

  test('pings', async () => {
    const result = await runThrough(redis, [...redisCli, 'PING']);
    expect(result, redis.log()).toMatchObject({ code: 0, stdout: 'PONG\n', stderr: '' });
  });

  test('takes a value of megabytes from stdin and gives it back', async () => {
    const value = 'tunl '.repeat(1_000_000);
    expect(await runThrough(redis, [...redisCli, '-x', 'SET', 'key'], { input: value })).toMatchObject({
      code: 0,
      stdout: 'OK\n',
    });
    const { code, stdout } = await runThrough(redis, [...redisCli, 'GET', 'key']);
    expect([code, stdout === `${value}\n`]).toEqual([0, true]);
  });

  test('fails with a status of its own, which is ours', async () => {
    expect((await runThrough(redis, [...redisCli, '-e', 'NONSENSE'])).code).toBe(1);
  });
});

describe('ssh and git behind tunl forward', () => {
  let sshd: Sshd;
  let payload: Payload;

  beforeAll(async () => {
    sshd = await startSshd();
    payload = makePayload(20_000_000);
    return sshd.stop;
  });

  test('ssh -p carries stdin, stdout, stderr and the status', async () => {
    const command = [
      'ssh',
      ...formatSshOptions(sshd, {}),
      '-p',
      '{port}',
      `${sshd.user}@{host}`,
      'cat; echo err >&2; exit 5',
    ];
    const result = await runThrough(sshd, command, { input: 'from stdin' });
    expect(result, sshd.log()).toMatchObject({ code: 5, stdout: 'from stdin', stderr: 'err\n' });
  });

  test('ssh -p carries megabytes', async () => {
    const output = makeDigester();
    const command = [
      'ssh',
      ...formatSshOptions(sshd, {}),
      '-p',
      '{port}',
      `${sshd.user}@{host}`,
      `cat '${payload.file}'`,
    ];
    expect(await runThrough(sshd, command, { output }), sshd.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });

  test('git clones over ssh', async () => {
    const folder = makeFolder('git');
    const [source, clone] = [join(folder, 'source'), join(folder, 'clone')];
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'content\n'.repeat(100_000));
    const name = ['-c', 'user.name=test', '-c', 'user.email=test@example'];
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      [...name, 'commit', '-q', '-m', 'first'],
    ])
      await git(source, ...args);
    const ssh = ['ssh', ...formatSshOptions(sshd, {})].map((word) => `'${word}'`).join(' ');
    const command = ['git', 'clone', '-q', `ssh://${sshd.user}@{addr}${source}`, clone];
    const result = await runThrough(sshd, command, { env: { GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' } });
    expect(result, sshd.log()).toMatchObject({ code: 0, stderr: '' });
    expect(await git(clone, 'rev-parse', 'HEAD')).toEqual(await git(source, 'rev-parse', 'HEAD'));
    await git(clone, 'fsck', '--strict');
  });
});

describe('a key that signals', () => {
  test.each([
    ['Ctrl-C', '\u0003', 'SIGINT'],
    ['Ctrl-\\', '\u001c', 'SIGQUIT'],
  ])('%s reaches the command once, and it decides', async (_key, key, signal) => {
    const words = ['forward', '--direct', ':127.0.0.1:1', '--', ...makeScript(signalScript)];
    const session = launchInTerminal(makeTunlCommand(words));
    await session.waitForScreen(/command ready/);
    session.type(key);
    expect(await session.ended).toMatchObject({ code: 9 });
    expect(session.stdout().toString()).toContain(JSON.stringify({ [signal]: 1 }));
  });
});

/** Runs git on a repository. @throws {Error} when it fails */
async function git(folder: string, ...args: readonly string[]): Promise<Result> {
  const result = await run({ file: 'git', args: ['-C', folder, ...args] });
  if (result.code !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
  return result;
}
