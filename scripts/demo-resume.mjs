// Demonstrates on loopback a tunnel that outlives its connections: two sides count aloud to each other while the proxy
// between them is killed twice. Exits with 0 only if each number arrives once and in order.
// With --svg FILE it draws what happened: docs/resume.svg.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { drawResume } from './resume-picture.mjs';
import { chalk, findEvent, Show } from './show.mjs';

/** The limit for the whole demo, which takes about eight seconds. */
const limitMs = 60_000;

/** Each side says the numbers from 1 to this one, with a pause after each. */
const last = 150;
const pauseMs = 50;

/** The first gap lasts from one number to another; the second is as short as a restart. */
const [goneAt, backAt, restartAt] = [25, 55, 90];

const { values } = parseArgs({ options: { svg: { type: 'string' } } });
const show = new Show({
  you: chalk.bold,
  forward: chalk.cyan,
  proxy: chalk.yellow,
  'far end': chalk.green,
  counter: chalk.magenta,
});

async function runDemo() {
  console.log(chalk.bold('\ntunl: a tunnel that outlives its connections\n'));
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = `127.0.0.1:${server.address().port}`;
  show.say('counter', `listens on ${target}`);

  const far = await show.serve('far end', '127.0.0.1:0', '--resume', '1m');
  let proxy = await show.serve('proxy', '127.0.0.1:0');
  const hops = ['-x', `http://${proxy.address}`, '-x', `http://${far.address}?resume=1m`];
  const forward = show.start('forward', ['forward', `:${target}`, ...hops, '--json']);
  const { address } = await forward.waitFor('its listener', (line) => findEvent(line, 'listening'));
  show.say('forward', `listens on ${address}`);
  console.log(
    `\n  ${['you', 'forward', 'proxy', 'far end', 'counter'].map((name) => show.colours[name](name)).join(chalk.dim(' --> '))}\n`,
  );

  const accepted = once(server, 'connection');
  const you = new Side('you', connectTo(address));
  const counter = new Side('counter', (await accepted)[0]);
  const start = performance.now();
  const run = { gaps: [], resumed: [], ms: 0, ways: [] };
  forward.onLine = (line) => tellChange(line, () => run.resumed.push(performance.now() - start));
  for (const side of [you, counter]) side.begin(start);
  show.say('you', `and the counter say the numbers from 1 to ${last} to each other`);

  const gap = async (from, to, what) => {
    await counter.reached('sent', from);
    show.say('proxy', chalk.red(what));
    const gone = performance.now() - start;
    await show.kill(proxy.program);
    if (to > from) {
      await counter.reached('sent', to);
      show.say('counter', `has said ${counter.sent.length} numbers by now, of which you have ${you.heard.length}`);
    }
    proxy = await show.serve('proxy', proxy.address);
    run.gaps.push({ from: gone, to: performance.now() - start });
    await forward.waitFor('its tunnel', (line) => findEvent(line, 'tunnel.resumed')?.resumed === run.gaps.length);
    const missed = counter.sent.length;
    await you.reached('heard', missed);
    show.say('you', `have ${missed} numbers by now, each once and in order`);
  };
  await gap(goneAt, backAt, 'is killed');
  await gap(restartAt, restartAt, 'is killed, and started again at once');

  await Promise.all([you.over, counter.over]);
  run.ms = performance.now() - start;
  run.ways = [
    { title: 'from the counter to you', said: counter.sent, heard: you.heard },
    { title: 'from you to the counter', said: you.sent, heard: counter.heard },
  ];
  await checkRecords(forward, far.program);
  await show.stopPrograms();
  if (values.svg !== undefined) writeFileSync(values.svg, drawResume(run));
  console.log(
    chalk.bold.green(`\nEach of the ${2 * last} numbers arrived once and in order, over three connections.\n`),
  );
}

/** Somebody who says numbers, and hears those of the other. */
class Side {
  /** The milliseconds at which each number was said, and at which each was heard. */
  sent = [];
  heard = [];
  /** Resolves once all numbers and the end are heard. */
  over;
  #name;
  #socket;
  #onNumber = () => {};

  constructor(name, socket) {
    this.#name = name;
    this.#socket = socket;
  }

  begin(start) {
    const now = () => performance.now() - start;
    const socket = this.#socket;
    const timer = setInterval(() => {
      this.sent.push(now());
      socket.write(`${this.sent.length}\n`);
      this.#onNumber();
      if (this.sent.length < last) return;
      clearInterval(timer);
      socket.end();
    }, pauseMs);
    this.over = new Promise((resolve, reject) => {
      createInterface({ input: socket }).on('line', (line) => {
        if (line !== String(this.heard.length + 1)) {
          reject(new Error(`${this.#name} heard "${line}" after ${this.heard.length}`));
        }
        this.heard.push(now());
        this.#onNumber();
      });
      socket.once('error', reject).once('close', () => {
        if (this.heard.length === last) resolve();
        else reject(new Error(`${this.#name} heard ${this.heard.length} of ${last} numbers`));
      });
    });
    this.over.catch(() => {});
  }

  /** Resolves once so many numbers are `sent` or `heard`; rejects if something goes wrong before. */
  reached(which, count) {
    const reached = new Promise((resolve) => {
      this.#onNumber = () => this[which].length >= count && resolve();
      this.#onNumber();
    });
    return Promise.race([reached, this.over]);
  }
}

function connectTo(address) {
  const [host, port] = address.split(':');
  return connect({ host, port: Number(port), allowHalfOpen: true });
}

/** Says what `forward` reports about the tunnel. */
function tellChange(line, onResumed) {
  const waiting = findEvent(line, 'tunnel.waiting');
  if (waiting) show.say('forward', `${chalk.red('the tunnel waits for another connection')}: ${waiting.reason}`);
  if (!findEvent(line, 'tunnel.resumed')) return;
  show.say('forward', chalk.green('the tunnel goes on over another connection'));
  onResumed();
}

async function checkRecords(...ends) {
  for (const program of ends) {
    const closed = await program.waitFor('its record', (line) => findEvent(line, 'tunnel.closed'));
    const { end, resumed, sent, received } = closed;
    show.say(program.name, `closed: ${end}, resumed ${resumed} times, sent ${sent}, received ${received}`);
    if (end !== 'clean' || resumed !== 2) throw new Error(`${program.name} reports another end`);
  }
}

await show.run(runDemo, limitMs);
