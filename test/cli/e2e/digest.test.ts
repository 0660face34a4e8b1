import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl, type Tunl } from '../../support/harness/tunl-process.ts';

const password = 'hunter2-0815';

/** The lines of a user file, as htdigest writes them. */
function writeUsers(...hashes: readonly ('md5' | 'sha256')[]): string {
  const file = join(makeTempFolder(), 'users');
  const lines = hashes.map((name) => {
    const hash = createHash(name).update(`alice:corp:${password}`).digest('hex');
    return `alice:corp:${hash}\n`;
  });
  writeFileSync(file, lines.join(''));
  return file;
}

async function startServe(file: string): Promise<{ readonly tunl: Tunl; readonly port: number }> {
  const tunl = startTunl(['serve', '127.0.0.1:0', '-v', '--auth-file', file]);
  onTestFinished(async () => {
    tunl.child.kill('SIGKILL');
    await tunl.ended;
  });
  const [, port] = await tunl.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  return { tunl, port: Number(port) };
}

const authorityOf = ({ port }: Target) => `127.0.0.1:${port}`;

/** Asks as a client of Basic does; the user of htdigest is verified by the same hash. */
function formatBasic(target: string, secret: string): string {
  const credentials = Buffer.from(`alice:${secret}`).toString('base64');
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`;
}

describe.each([[['md5']], [['sha256']], [['md5', 'sha256']]] as const)('serve with %j', (hashes) => {
  test('lets in our own client by Digest alone, and not with a wrong password', async () => {
    const { port, tunl } = await startServe(writeUsers(...hashes));
    const target = await startTarget(echo);
    const words = ['connect', '-v', '-x', `http://alice@127.0.0.1:${port}?auth=digest`, authorityOf(target)];
    const right = await runTunl(words, { TUNL_PROXY_PASSWORD: password });
    expect(right, right.stderr).toMatchObject({ code: 0 });
    expect(right.stderr).toContain('authenticated by Digest, 1 round');
    const wrong = await runTunl(words, { TUNL_PROXY_PASSWORD: 'other-4711' });
    expect(wrong.code).toBe(67);
    expect(wrong.stderr).toContain('it does not accept the user and the password that were sent by Digest');
    const nobody = await runTunl(['connect', '-x', `http://127.0.0.1:${port}`, authorityOf(target)]);
    expect(nobody.code).toBe(67);
    expect(nobody.stderr).toContain('it offers Digest');
    tunl.child.kill('SIGTERM');
    const { stderr } = await tunl.ended;
    for (const secret of [password, 'other-4711']) expect(right.stderr + wrong.stderr + stderr).not.toContain(secret);
  });
});

describe('wrong passwords', () => {
  test('of one source make only that source wait, and no open tunnel', async () => {
    const { port } = await startServe(writeUsers('md5'));
    const target = await startTarget(echo);
    const open = await connectPeer(port);
    open.send(formatBasic(authorityOf(target), password));
    expect(await open.readHead()).toMatch(/^HTTP\/1\.1 200 /);
    const guess = async (secret: string, host = '127.0.0.1') => {
      const client = await connectPeer(port, { from: host });
      client.send(formatBasic(authorityOf(target), secret));
      const head = await client.readHead();
      client.reset();
      return `${secret} ${head.slice(9, 12)}`;
    };
    // The fourth and the fifth, the sixth and the seventh wait 0.25 s, 0.5 s and 1 s; the next would wait 2 s.
    for (let time = 0; time < 7; time++) await guess(`guess-${time}`);
    const order: string[] = [];
    const late = ['late-1', 'late-2'].map(async (secret) => order.push(await guess(secret)));
    if (process.platform === 'linux') order.push(await guess(password, '127.0.0.2'));
    open.send('still here;');
    order.push(await open.readUntil(';'));
    await Promise.all(late);
    const elsewhere = process.platform === 'linux' ? [`${password} 200`] : [];
    expect(order.slice(0, -2)).toEqual([...elsewhere, 'still here;']);
    expect(order.slice(-2).toSorted()).toEqual(['late-1 407', 'late-2 407']);
    open.fin();
  });
});
