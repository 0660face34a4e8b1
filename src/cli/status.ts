import type { Ui } from './ui.ts';

/** Work that is done sooner gets no spinner: it would only flicker. */
const patienceMs = 200;

/** Does the work, with a spinner on a terminal when it takes long enough to wonder. */
export async function withSpinner<T>(ui: Ui, stream: NodeJS.WriteStream, text: string, work: Promise<T>): Promise<T> {
  if (!ui.onTerminal || !ui.shows('normal')) return work;
  const { default: ora } = await import('ora');
  // The cursor and stdin stay as they are: a signal may end us at any time, and stdin is not ours.
  const spinner = ora({ text, stream, prefixText: 'tunl:', hideCursor: false, discardStdin: false });
  let spins = false;
  const timer = setTimeout(() => {
    spins = true;
    ui.setSpinner(spinner);
    spinner.start();
  }, patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    ui.setSpinner(undefined);
    // Where nothing spun, a stop would still move the cursor.
    if (spins) spinner.stop();
  }
}
