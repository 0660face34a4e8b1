// Demonstrates tunl on loopback: a server that greets and then echoes, two proxies, and a forward whose
// connections go through both. Exits with 0 only if every byte comes back.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { chalk, findEvent, Show } from './show.mjs';

/** The limit for the whole demo, which takes about a second. */
const limitMs = 30_000;
const greeting = 'hello from the far side\n';
const payload = randomBytes(8 * 1024 * 1024);

const show = new Show({
  greeter: chalk.magenta,
  'proxy 1': chalk.yellow,
  'proxy 2': chalk.green,
  forward: chalk.cyan,
  you: chalk.bold,
});

await show.run(runDemo, limitMs);

async function runDemo() {
  console.log(chalk.bold('\ntunl: a connection through two proxies\n'));

  const greeter = createServer({ allowHalfOpen: true }, greetAndEcho).listen(0, '127.0.0.1');
  await once(greeter, 'listening');
  const target = `127.0.0.1:${greeter.address().port}`;
  show.say('greeter', `listens on ${target}: it speaks first, then sends back what it gets`);

  const first = await show.serve('proxy 1', '127.0.0.1:0');
  const second = await show.serve('proxy 2', '127.0.0.1:0');
  const forward = show.start('forward', [
    'forward',
    `:${target}`,
    '-x',
    `http://${first.address}`,
    '-x',
    `http://${second.address}`,
    '-v',
  ]);
  forward.onLine = (line) => show.say('forward', line);
  const ready = await forward.waitFor('its listener', (line) => /^tunl: forwarding (\S+:(\d+)) ->/.exec(line));
  const [, address, port] = ready;
  drawPath([
    ['you', ''],
    ['forward', address],
    ['proxy 1', first.address],
    ['proxy 2', second.address],
    ['greeter', target],
  ]);

  await talk(Number(port));

  const record = await forward.waitFor('its record of the tunnel', (line) => / closed: /.exec(line));
  const events = [await readClosed(first), await readClosed(second)];
  showHops(events);
  checkHops(events, second.address, target);
  if (!record.input.includes(`sent ${payload.length}`))
    throw new Error(`forward counted something else: ${record.input}`);
  await show.stopPrograms();
  console.log(chalk.bold.green('\nEvery byte arrived and came back, and all three programs ended with status 0.\n'));
}

function greetAndEcho(socket) {
  socket.on('error', () => socket.destroy());
  socket.write(greeting);
  socket.pipe(socket);
}

/** Connects like an ordinary client, which does not know about proxies. */
async function talk(port) {
  show.say('you', `connect to 127.0.0.1:${port}`);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const received = collect(socket);
  await received.until(greeting.length);
  const hello = received.take(greeting.length).toString();
  if (hello !== greeting) throw new Error(`the greeting is ${JSON.stringify(hello)}`);
  show.say('you', `${chalk.dim('<-')} "${hello.trim()}"`);

  show.say('you', `${chalk.dim('->')} ${formatBytes(payload.length)} of random bytes, then the end of your half`);
  const started = performance.now();
  socket.end(payload);
  await received.ended;
  const seconds = (performance.now() - started) / 1000;
  const echo = received.take();
  const intact = digest(echo) === digest(payload);
  show.say(
    'you',
    `${chalk.dim('<-')} ${formatBytes(echo.length)} and the end after ${seconds.toFixed(2)} s; SHA-256 ${intact ? 'equal' : 'DIFFERS'}`,
  );
  if (!intact) throw new Error('other bytes came back than were sent');
}

/** Collects the data from a socket. A reset rejects the pending wait. */
function collect(socket) {
  let bytes = [];
  let length = 0;
  let onBytes = () => {};
  socket.on('data', (chunk) => {
    bytes.push(chunk);
    length += chunk.length;
    onBytes();
  });
  const ended = new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject));
  const cut = ended.then(() => Promise.reject(new Error('the connection ended early')));
  cut.catch(() => {});
  return {
    ended,
    until: (wanted) => Promise.race([cut, new Promise((resolve) => (onBytes = () => length >= wanted && resolve()))]),
    take: (wanted = length) => {
      const all = Buffer.concat(bytes);
      bytes = [all.subarray(wanted)];
      length -= wanted;
      return all.subarray(0, wanted);
    },
  };
}

async function readClosed({ program, name }) {
  return { name, ...(await program.waitFor('its record of the tunnel', (line) => findEvent(line, 'tunnel.closed'))) };
}

function showHops(events) {
  console.log(
    `\n${chalk.bold('What each proxy recorded')} (the first also carried the CONNECT that the second answered)\n`,
  );
  const header = ['', 'asked for', 'sent', 'received', 'ended'];
  const rows = events.map(({ name, target, sent, received, end }) => [
    name,
    target,
    String(sent),
    String(received),
    end,
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const align = (row) =>
    row.map((cell, column) =>
      column === 2 || column === 3 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
    );
  console.log(chalk.dim(`  ${align(header).join('   ')}`));
  for (const row of rows) {
    const [name, ...cells] = align(row);
    console.log(`  ${show.colours[row[0]](name)}   ${cells.join('   ')}`);
  }
}

function checkHops([first, second], secondAddress, target) {
  if (first.target !== secondAddress || second.target !== target)
    throw new Error('the proxies were asked for something else');
  if (first.end !== 'clean' || second.end !== 'clean') throw new Error('a tunnel did not end cleanly');
  const echoed = greeting.length + payload.length;
  if (second.sent !== payload.length || second.received !== echoed)
    throw new Error('the proxies counted something else');
}

function drawPath(stations) {
  const width = Math.max(...stations.map(([, address]) => address.length)) + 1;
  const names = stations.map(([name], at) => {
    const arrow = at < stations.length - 1 ? ` ${'-'.repeat(width - name.length - 1)}> ` : '';
    return show.colours[name](name) + chalk.dim(arrow);
  });
  const addresses = stations.map(([, address]) => address.padEnd(width + 2));
  console.log(`\n  ${names.join('')}\n  ${chalk.dim(addresses.join('').trimEnd())}\n`);
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function formatBytes(count) {
  return `${(count / 1024 / 1024).toFixed(0)} MiB`;
}
