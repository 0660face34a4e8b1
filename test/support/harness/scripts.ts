import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder } from '../temp.ts';

/** Returns a command that runs some JavaScript, for a program under test. Its file is removed after the test. */
export function makeScript(code: string, ...args: readonly string[]): string[] {
  const file = join(makeTempFolder(), 'script.mjs');
  writeFileSync(file, code);
  return [process.execPath, file, ...args];
}

/** Sends its second argument to the port of its first, prints what comes back, and ends with the third. */
export const askScript = `
import { connect } from 'node:net';
const [port, text, status = '0'] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1').end(text);
socket.pipe(process.stdout);
socket.on('close', () => (process.exitCode = Number(status)));
`;

/** Prints its arguments and some of its environment as JSON. */
export const showScript = `
const env = Object.entries(process.env).filter(([name]) => name.startsWith('TUNL_') || name === 'KEPT');
console.log(JSON.stringify({ args: process.argv.slice(2), env: Object.fromEntries(env.sort()) }));
`;

/** Reports on stderr that it is ready, and for each signal how many of that name have arrived; exits a little later with 9. */
export const signalScript = `
const seen = {};
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  process.on(name, () => {
    seen[name] = (seen[name] ?? 0) + 1;
    setTimeout(() => {
      console.log(JSON.stringify(seen));
      process.exit(9);
    }, 200);
  });
}
setInterval(() => {}, 1000);
console.error('command ready');
`;
