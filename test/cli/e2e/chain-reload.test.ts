import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inTime } from '../../support/eventually.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';

const live = 200;
const reloads = 20;
const newPerSecond = 200;

/** A client of the chain that says what it gets; a reset or an end that comes too early is told. */
class Client {
  readonly socket: Socket;
  #ended: string | undefined;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setEncoding('utf8');
    this.socket.on('error', ({ message }) => (this.#ended ??= message));
    this.socket.on('close', () => (this.#ended ??= 'closed'));
  }

  /** Sends a word and resolves with what came back, or with how it ended instead. */
  async ask(word: string): Promise<string> {
    if (this.#ended !== undefined) return this.#ended;
    const answer = Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    this.socket.write(word);
    const [data] = (await inTime('an answer', answer).catch((error: Error) => [error.message])) as [unknown];
    return typeof data === 'string' ? data : (this.#ended ?? 'closed');
  }
}

test('20 reloads under load, one of them wrong: nothing is refused and nothing is cut', async () => {
  const target = await startTarget(echo);
  const path = join(makeTempFolder(), 'chain.yaml');
  /** Each differs from the one before: stages come and go, fused or not, and the wrong one is not taken. */
  const write = (round: number) => {
    const inner = round % 2 === 0 ? `limits: { idle: ${round + 30}s }` : 'log: true';
    const to = `127.0.0.1:${target.port}`;
    const stages = [
      '  ingress: { listen: 0, to: internal://middle }',
      `  middle: { to: internal://last-${round}, retry: ${round} }`,
      `  last-${round}: { to: '${to}', ${round === 7 ? 'lokg: true' : inner} }`,
    ];
    writeFileSync(path, `stages:\n${stages.join('\n')}\n`);
  };
  write(0);
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  const port = Number((await waitFor(/forwarding 127\.0\.0\.1:(\d+)/))[1]);

  const old = Array.from({ length: live }, () => new Client(port));
  onTestFinished(() => old.forEach(({ socket }) => socket.destroy()));
  expect(new Set(await Promise.all(old.map((client) => client.ask('a'))))).toEqual(new Set(['a']));

  const answers: Promise<string>[] = [];
  const open = async () => {
    const client = new Client(port);
    const answer = await client.ask('b');
    client.socket.destroy();
    return answer;
  };
  const timer = setInterval(() => {
    for (let count = 0; count < newPerSecond / 20; count++) answers.push(open());
  }, 50);
  onTestFinished(() => clearInterval(timer));
  for (let round = 1; round <= reloads; round++) {
    const before = answers.length;
    write(round);
    child.kill('SIGHUP');
    await waitFor(new RegExp(`(?:(?:was read again|run on as they were)[^]*?){${round}}$`));
    // Each generation takes some of the new ones.
    await inTime(
      'new clients',
      untilMore(() => answers.length > before),
    );
  }
  clearInterval(timer);

  expect(new Set(await Promise.all(answers))).toEqual(new Set(['b']));
  expect(answers.length).toBeGreaterThan(reloads * (newPerSecond / 20) - 1);
  expect(new Set(await Promise.all(old.map((client) => client.ask('c'))))).toEqual(new Set(['c']));
  for (const { socket } of old) socket.destroy();
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(stderr.match(/was read again/g)).toHaveLength(reloads - 1);
  expect(stderr.match(/unknown key "lokg"/g)).toHaveLength(1);
});

function untilMore(isThere: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (isThere() ? resolve() : setTimeout(look, 10));
    look();
  });
}
