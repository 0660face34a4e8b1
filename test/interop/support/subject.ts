import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { envoyProgram } from '../parts/envoy.ts';
import { type Command, launch } from './process.ts';
import { makeTunlCommand } from './tunl.ts';
import { makeFolder } from './workspace.ts';

/** A program that runs files of Envoy. */
export type Subject = 'envoy' | 'tunl';

/** The values that replace the words `$front`, `$origin`, … of a file. */
export type Words = Readonly<Record<string, number | string>>;

/** A program that runs a file, and listens. */
export interface RunningSubject {
  /** Its output, for the message of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

const files = fileURLToPath(new URL('../envoy-files', import.meta.url));

/**
 * Writes a file of the table with these words in a folder, which is the word `$folder`, and says where; with another
 * text in the place of one.
 */
export function fillFile(
  name: string,
  words: Words,
  folder: string = makeFolder(name),
  [text, other]: readonly [text: string, other: string] = ['', ''],
): string {
  const path = join(folder, `${name}.yaml`);
  const written = readFileSync(join(files, `${name}.yaml`), 'utf8');
  if (!written.includes(text)) throw new Error(`${name}.yaml has no ${text}`);
  writeFileSync(path, fillWords(written.replace(text, other), { ...words, folder }));
  return path;
}

/**
 * Puts words into a text.
 * @throws {Error} for a word that there is no value for
 */
function fillWords(text: string, words: Words): string {
  return text.replaceAll(/\$(\w+)/g, (_, word: string) => {
    const value = words[word];
    if (value === undefined) throw new Error(`nothing is known for $${word}`);
    return String(value);
  });
}

/** The command by which a program runs a file. */
function makeSubjectCommand(subject: Subject, file: string): Command {
  if (subject === 'tunl') return makeTunlCommand(['chain', '-c', file, '--grace', '0']);
  // A line of a log is written at once.
  const quick = ['--file-flush-interval-msec', '10', '--drain-strategy', 'immediate', '--drain-time-s', '60'];
  return {
    file: envoyProgram,
    args: ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'info', ...quick],
  };
}

/**
 * Starts a program with a file and waits until it listens at these ports.
 * @throws {Error} with its own words, when it does not
 */
export async function startSubject(subject: Subject, file: string, ports: readonly number[]): Promise<RunningSubject> {
  const running = launch(makeSubjectCommand(subject, file));
  const stop = async () => void (await running.stop());
  const isUp = () =>
    subject === 'envoy'
      ? running.stderr().includes('starting main dispatch loop')
      : ports.every((port) => new RegExp(`^tunl: (?:serving|forwarding) \\S+:${port}\\b`, 'm').test(running.stderr()));
  try {
    // Nobody knocks at its ports before the test does: each knock would go on to the origin.
    await running.waitFor('listener', () => isUp() || undefined);
  } catch (error) {
    await stop();
    throw error;
  }
  return { log: running.stderr, stop };
}
