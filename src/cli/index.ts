import { leave } from './process/leave.ts';
import { formatTitle } from './process/title.ts';
import { run } from './run.ts';

/** Runs a command line as this process, which ends with its status. */
export async function runProcess(words: readonly string[]): Promise<void> {
  // The arguments can be seen until here, so a secret on the command line is never quite safe.
  const title = formatTitle(words);
  if (title !== undefined) process.title = title;
  leave(await run(words, process));
}
