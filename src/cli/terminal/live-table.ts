import { isWaiting } from '../../core/link.ts';
import type { Running } from '../../app/runtime.ts';
import { toPrintable } from '../../syntax/text.ts';
import { formatAge, formatAmount } from './amount.ts';
import { FullScreen } from './full-screen.ts';
import type { Io } from './io.ts';
import { drawSparkline, showsUtf8, toAscii } from './look.ts';
import { type Column, formatTable } from './table.ts';
import { isInForeground } from './terminal.ts';
import { countTunnels, readAge, routeColumns, type Tunnel } from './tunnel-table.ts';
import type { Moving, Ui } from './ui.ts';

/** Time between two drawings: rates stay readable, and the terminal has little work. */
const periodMs = 500;

/** The drawings whose rates are kept: those of a minute. */
const keptRates = 120;

/** The lines of the frame and the head of a table, and the latest messages that are shown below it. */
const [tableLines, shownMessages] = [4, 3];

/** The most lines that are kept to be written once the terminal is given back. */
const maxHeld = 1000;

/** A tunnel with its rates since the last drawing, in bytes per second. */
interface Row {
  readonly tunnel: Tunnel;
  readonly sentRate: number;
  readonly receivedRate: number;
}

/** The bytes of a tunnel when it was last drawn. */
interface ReadSample {
  readonly at: number;
  readonly sent: number;
  readonly received: number;
}

/** The failures since the start. */
export interface Failures {
  count: number;
  /** The last one, as one line. */
  last?: string;
}

/** The value by which a key sorts; numbers begin with the greatest, texts with the first. */
interface Order {
  readonly name: string;
  readonly value: (row: Row) => number | string;
}

const orders: Readonly<Record<string, Order>> = {
  i: { name: 'id', value: ({ tunnel: { id } }) => id },
  t: { name: 'target', value: ({ tunnel: { target } }) => target },
  c: { name: 'client', value: ({ tunnel: { client } }) => client },
  s: { name: 'sent', value: ({ tunnel: { handle } }) => handle?.sent ?? 0 },
  r: { name: 'received', value: ({ tunnel: { handle } }) => handle?.received ?? 0 },
  b: { name: 'bytes/s', value: ({ sentRate, receivedRate }) => sentRate + receivedRate },
  a: { name: 'age', value: ({ tunnel }) => readAge(tunnel) },
};

/** The parts of a running command that are watched. */
export interface Watched extends Pick<Running, 'tunnels' | 'draw'> {
  readonly failures: Failures;
}

/**
 * Shows the open tunnels, and a picture of the stages if there is one, on a screen of their own, until the returned
 * function is called or the user presses q. What is said meanwhile is shown below them, and written once the terminal is
 * given back.
 */
export function watchTunnels(ui: Ui, io: Pick<Io, 'stdin' | 'stderr' | 'env'>, watched: Watched): () => void {
  const view = new LiveTable(io, watched, () => ui.setMoving(undefined));
  ui.setMoving(view);
  view.start();
  return () => view.stop();
}

class LiveTable implements Moving {
  readonly #stream: NodeJS.WriteStream;
  readonly #screen: FullScreen;
  readonly #isAscii: boolean;
  readonly #watched: Watched;
  readonly #onStop: () => void;
  readonly #readings = new WeakMap<Tunnel, ReadSample>();
  readonly #rates: number[] = [];
  #rows: readonly Row[] = [];
  #held: string[] = [];
  #lost = 0;
  #order: Order = orders['i'] as Order;
  #isReversed = false;
  #timer: NodeJS.Timeout | undefined;
  #redrawing: NodeJS.Immediate | undefined;

  constructor(io: Pick<Io, 'stdin' | 'stderr' | 'env'>, watched: Watched, onStop: () => void) {
    this.#stream = io.stderr;
    this.#isAscii = !showsUtf8(io.env);
    this.#watched = watched;
    this.#onStop = onStop;
    this.#screen = new FullScreen(io, {
      onKey: (key) => this.#press(key),
      onResize: () => this.#redrawSoon(),
      onLeave: () => this.#release(),
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), periodMs);
    this.#look();
  }

  /** Gives the terminal back, for good. */
  stop(): void {
    clearInterval(this.#timer);
    clearImmediate(this.#redrawing);
    this.#timer = undefined;
    this.#screen.leave();
    this.#onStop();
  }

  /** Keeps lines that are said, unless another program has the terminal. */
  clear(lines: string): boolean {
    if (!this.#screen.isOpen) return false;
    this.#held.push(...lines.trimEnd().split('\n'));
    this.#lost += this.#held.splice(0, this.#held.length - maxHeld).length;
    this.#redrawSoon();
    return true;
  }

  /** Writes what was said while the terminal was taken. */
  #release(): void {
    const [held, lost] = [this.#held, this.#lost];
    [this.#held, this.#lost] = [[], 0];
    if (lost > 0) this.#stream.write(`tunl: ${lost} earlier lines are left out\n`);
    if (held.length > 0) this.#stream.write(`${held.join('\n')}\n`);
  }

  #press(key: string): void {
    if (key === 'q') return this.stop();
    const order = Object.hasOwn(orders, key) ? orders[key] : undefined;
    if (!order) return;
    this.#isReversed = order === this.#order && !this.#isReversed;
    this.#order = order;
    this.#redrawSoon();
  }

  /** Measures the tunnels, and draws them. */
  #look(): void {
    this.#rows = [...this.#watched.tunnels].map((tunnel) => this.#read(tunnel));
    this.#rates.push(this.#rows.reduce((sum, { sentRate, receivedRate }) => sum + sentRate + receivedRate, 0));
    this.#rates.splice(0, this.#rates.length - keptRates);
    void this.#draw();
  }

  #redrawSoon(): void {
    clearImmediate(this.#redrawing);
    this.#redrawing = setImmediate(() => void this.#draw());
  }

  async #draw(): Promise<void> {
    const lines = await this.#format();
    if (this.#timer === undefined || !isInForeground()) return;
    this.#screen.show(this.#isAscii ? lines.map(toAscii) : lines);
  }

  async #format(): Promise<string[]> {
    const { columns, rows: height } = this.#stream;
    const { tunnels, draw, failures } = this.#watched;
    const [sent, received] = (['sentRate', 'receivedRate'] as const).map((way) =>
      this.#rows.reduce((sum, row) => sum + row[way], 0),
    );
    const rate = `sent ${formatAmount(sent ?? 0)}/s, received ${formatAmount(received ?? 0)}/s `;
    const title = [
      `tunl: ${countTunnels(this.#rows.length)} open, ${tunnels.asked} so far`,
      rate + drawSparkline(this.#rates, columns - rate.length),
    ];
    const foot = [
      ...(failures.count > 0 ? [`failed: ${failures.count}, last ${failures.last}`] : []),
      ...this.#held.slice(-shownMessages),
      this.#describeKeys(columns),
    ].map((line) => cut(toPrintable(line), columns));
    const room = height - title.length - foot.length;
    const picture = (await draw?.(columns))?.trimEnd().split('\n') ?? [];
    // A picture that leaves no room for tunnels is not shown, since the user asked for tunnels.
    const above = picture.length + tableLines + 2 < room ? picture : [];
    const body = await this.#formatTunnels(room - above.length, columns);
    const gap = Array.from({ length: Math.max(0, room - above.length - body.length) }, () => '');
    return [...title, ...above, ...body, ...gap, ...foot].map((line) => cut(line, columns));
  }

  async #formatTunnels(room: number, columns: number): Promise<string[]> {
    if (this.#rows.length === 0) return [];
    const { value } = this.#order;
    const sorted = this.#rows.toSorted((one, other) => {
      const [left, right] = [value(one), value(other)];
      const areNumbers = typeof left === 'number' && typeof right === 'number';
      const isBefore = areNumbers ? left > right : String(left) < String(right);
      return left === right ? other.tunnel.id - one.tunnel.id : isBefore !== this.#isReversed ? -1 : 1;
    });
    const fits = Math.max(1, room - tableLines);
    const shown = sorted.length > fits ? sorted.slice(0, Math.max(1, fits - 1)) : sorted;
    const table = await formatTable(chooseColumns(this.#rows), shown, { columns, overflow: 'cut' });
    const more = sorted.length - shown.length;
    return [...table.split('\n'), ...(more > 0 ? [`and ${more} more`] : [])];
  }

  #describeKeys(columns: number): string {
    const now = `${this.#order.name} ${this.#isReversed ? '↑' : '↓'}`;
    const keys = Object.entries(orders);
    const long = `q closes this view; sort by ${keys.map(([key, { name }]) => `${key} ${name}`).join(', ')}; now ${now}`;
    return long.length <= columns ? long : `q close, sort ${keys.map(([key]) => key).join(' ')}: ${now}`;
  }

  #read(tunnel: Tunnel): Row {
    const { sent = 0, received = 0 } = tunnel.handle ?? {};
    const now = { at: performance.now(), sent, received };
    const before = this.#readings.get(tunnel) ?? { at: tunnel.started, sent: 0, received: 0 };
    this.#readings.set(tunnel, now);
    const seconds = Math.max(now.at - before.at, 1) / 1000;
    return {
      tunnel,
      sentRate: (sent - before.sent) / seconds,
      receivedRate: (received - before.received) / seconds,
    };
  }
}

function cut(line: string, columns: number): string {
  const characters = Array.from(line);
  return characters.length > columns ? `${characters.slice(0, columns - 1).join('')}…` : line;
}

/** The columns of amounts; on a narrow terminal those with the highest rank are left out first. */
const amountColumns: readonly Column<Row>[] = [
  {
    head: 'sent',
    cell: ({ tunnel: { handle } }) => (handle ? formatAmount(handle.sent) : '-'),
    align: 'right',
    rank: 3,
  },
  { head: '/s', cell: ({ sentRate }) => formatAmount(sentRate), align: 'right', rank: 4 },
  {
    head: 'received',
    cell: ({ tunnel: { handle } }) => (handle ? formatAmount(handle.received) : 'dialling'),
    align: 'right',
  },
  {
    head: '/s',
    cell: ({ tunnel, receivedRate }) => (isWaiting(tunnel) ? 'waiting' : formatAmount(receivedRate)),
    align: 'right',
    rank: 1,
  },
  { head: 'age', cell: ({ tunnel }) => formatAge(readAge(tunnel)), align: 'right', rank: 2 },
];

/** Chooses the columns: users have one only if there are any. */
function chooseColumns(rows: readonly Row[]): readonly Column<Row>[] {
  const named = rows.some(({ tunnel: { user } }) => user !== undefined);
  const route = routeColumns.filter(({ head }) => named || head !== 'user');
  return [
    ...route.map((column): Column<Row> => ({ ...column, cell: ({ tunnel }) => column.cell(tunnel) })),
    ...amountColumns,
  ];
}
