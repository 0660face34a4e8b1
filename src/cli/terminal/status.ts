import type { Ora } from 'ora';
import type { Running } from '../../app/runtime.ts';
import { formatVia } from './report.ts';
import { isInForeground } from './terminal.ts';
import type { Ui } from './ui.ts';

/** Time before a spinner appears; a shorter one would only flicker. */
const patienceMs = 200;

/** Waits for work, with a spinner on a terminal if it takes long. */
export async function withSpinner<T>(ui: Ui, stream: NodeJS.WriteStream, text: string, work: Promise<T>): Promise<T> {
  if (!ui.canRedraw) return work;
  const spinner = new Spinner(ui, stream);
  const timer = setTimeout(() => void spinner.show(text), patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    spinner.hide();
  }
}

/**
 * Shows a spinner on a terminal whenever a client has waited for its tunnel for some time, until the returned function
 * is called.
 */
export function spinWhileDialling(ui: Ui, stream: NodeJS.WriteStream, tunnels: Running['tunnels']): () => void {
  const spinner = new Spinner(ui, stream);
  const timer = setInterval(() => {
    const oldest = performance.now() - patienceMs;
    const waiting = [...tunnels].filter(({ handle, started }) => handle === undefined && started < oldest);
    if (waiting.length > 0) void spinner.show(describeDials(waiting));
    else spinner.hide();
  }, patienceMs);
  return () => {
    clearInterval(timer);
    spinner.hide();
  };
}

function describeDials(waiting: readonly { readonly target: string; readonly via: readonly string[] }[]): string {
  const [first] = waiting;
  return first && waiting.length === 1
    ? `dialling ${first.target}${formatVia(first.via)}`
    : `dialling ${waiting.length} targets`;
}

/** A spinner that registers with the Ui while it is shown. Its library is loaded at its first use. */
class Spinner {
  readonly #ui: Ui;
  readonly #stream: NodeJS.WriteStream;
  #ora: Ora | undefined;
  #text: string | undefined;

  constructor(ui: Ui, stream: NodeJS.WriteStream) {
    this.#ui = ui;
    this.#stream = stream;
  }

  async show(text: string): Promise<void> {
    this.#text = text;
    const { default: ora } = await import('ora');
    this.#ora ??= ora({
      stream: this.#stream,
      prefixText: 'tunl:',
      color: this.#ui.coloured ? 'cyan' : false,
      // The cursor and stdin stay as they are: a signal may end the program at any time, and stdin may be data.
      hideCursor: false,
      discardStdin: false,
    });
    if (this.#text === undefined) return;
    this.#ora.text = this.#text;
    if (this.#ora.isSpinning || !isInForeground()) return;
    this.#ui.setMoving(this.#ora);
    this.#ora.start();
  }

  hide(): void {
    this.#text = undefined;
    if (!this.#ora?.isSpinning) return;
    this.#ui.setMoving(undefined);
    this.#ora.stop();
  }
}
