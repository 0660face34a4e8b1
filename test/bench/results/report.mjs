import { writeFileSync } from 'node:fs';
import { sumMovements } from './figures.mjs';
import { formatRun } from './json.mjs';
import { drawRatios } from './svg.mjs';
import { printHeading, printRow } from './table.mjs';

/** Collects the results of a run, prints each row as it comes, and shows on a terminal what is being measured. */
export class Report {
  #rows = [];
  #leftOut = new Set();
  #started = new Date();
  #progressLength = 0;

  /** Prints the title of a part. */
  open(title, detail) {
    this.#clearProgress();
    printHeading(title, detail);
  }

  /** Prints a row and keeps it. */
  add(row) {
    this.show(row);
    this.#rows.push(row);
  }

  /** Prints a row that no file keeps. */
  show(row) {
    this.#clearProgress();
    printRow(row);
  }

  /** Names, once, what is not measured, and why. */
  leaveOut(name, reason) {
    if (this.#leftOut.has(name)) return;
    this.#leftOut.add(name);
    this.#clearProgress();
    console.log(`  ${name} ${reason}`);
  }

  /** Prints in how many rows a peer moved: those say little. */
  sum() {
    this.#clearProgress();
    const text = sumMovements(this.#rows);
    if (text !== undefined) console.log(`\n${text}`);
  }

  /** Shows on a terminal what is being measured; the next thing that is shown or printed takes its place. */
  progress(text) {
    if (!process.stderr.isTTY) return;
    const minutes = (Date.now() - this.#started.getTime()) / 60_000;
    this.#clearProgress();
    const line = `  ${minutes.toFixed(1)} min: ${text}`.slice(0, (process.stderr.columns ?? 80) - 1);
    process.stderr.write(line);
    this.#progressLength = line.length;
  }

  /** Writes the files that the user asked for. `run` has the facts about a run beside its rows. */
  write(run, { json, svg }) {
    this.#clearProgress();
    const whole = { started: this.#started.toISOString(), ...run, leftOut: [...this.#leftOut], rows: this.#rows };
    if (json !== undefined) writeFileSync(json, formatRun(whole));
    if (svg !== undefined) writeFileSync(svg, drawRatios(whole));
  }

  #clearProgress() {
    if (this.#progressLength === 0) return;
    process.stderr.write(`\r${' '.repeat(this.#progressLength)}\r`);
    this.#progressLength = 0;
  }
}
