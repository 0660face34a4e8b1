import { isWaiting } from '../../core/link.ts';
import type { Running } from '../../app/runtime.ts';
import { formatAge, formatAmount } from './amount.ts';
import { type Column, formatTable } from './table.ts';
import { isInForeground } from './terminal.ts';
import { countTunnels, readAge, routeColumns, type Tunnel } from './tunnel-table.ts';
import type { Moving, Ui } from './ui.ts';

/** Time between two drawings: rates stay readable, and the terminal has little work. */
const periodMs = 500;

/** Lines that are not for tunnels: the title, borders, the head, the count of hidden tunnels, and one to spare. */
const otherLines = 7;

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

/**
 * Shows the open tunnels, and a picture of the stages if there is one, at the bottom of the terminal, until the returned
 * function is called. They are redrawn in place, and other messages scroll above them.
 */
export async function watchTunnels(
  ui: Ui,
  stream: NodeJS.WriteStream,
  { tunnels, draw }: Pick<Running, 'tunnels' | 'draw'>,
): Promise<() => void> {
  const { createLogUpdate } = await import('log-update');
  const table = new LiveTable(stream, createLogUpdate(stream, { showCursor: true }), tunnels, draw);
  ui.setMoving(table);
  table.start();
  return () => {
    ui.setMoving(undefined);
    table.stop();
  };
}

class LiveTable implements Moving {
  readonly #stream: NodeJS.WriteStream;
  readonly #screen: { (text: string): void; clear(): void };
  readonly #tunnels: Running['tunnels'];
  readonly #drawStages: Running['draw'];
  readonly #readings = new WeakMap<Tunnel, ReadSample>();
  #timer: NodeJS.Timeout | undefined;
  #frame = '';
  #restoring: NodeJS.Immediate | undefined;

  constructor(
    stream: NodeJS.WriteStream,
    screen: { (text: string): void; clear(): void },
    tunnels: Running['tunnels'],
    drawStages: Running['draw'],
  ) {
    this.#stream = stream;
    this.#screen = screen;
    this.#tunnels = tunnels;
    this.#drawStages = drawStages;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#draw(), periodMs);
    void this.#draw();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearImmediate(this.#restoring);
    this.#timer = undefined;
    this.#screen.clear();
  }

  /** Makes room for lines that are written now, and comes back below them. */
  clear(): void {
    this.#screen.clear();
    clearImmediate(this.#restoring);
    this.#restoring = setImmediate(() => this.#show());
  }

  async #draw(): Promise<void> {
    this.#frame = await this.#format();
    this.#show();
  }

  #show(): void {
    if (this.#timer !== undefined && isInForeground()) this.#screen(this.#frame);
  }

  async #format(): Promise<string> {
    const all = [...this.#tunnels].map((tunnel) => this.#read(tunnel));
    const picture = (await this.#drawStages?.(this.#stream.columns))?.trimEnd().split('\n') ?? [];
    // A picture that leaves no room for tunnels is not shown, since the user asked for tunnels.
    const above = picture.length + otherLines < this.#stream.rows ? picture : [];
    const shown = all.slice(-Math.max(1, this.#stream.rows - otherLines - above.length));
    const title = `tunl: ${countTunnels(all.length)} open, ${this.#tunnels.asked} so far`;
    if (shown.length === 0) return [...above, title].join('\n');
    const fit = { columns: this.#stream.columns, overflow: 'cut' } as const;
    const table = await formatTable(chooseColumns(all), shown, fit);
    const others = all.length - shown.length;
    return [...above, title, table, ...(others === 0 ? [] : [`and ${others} older`])].join('\n');
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

const amountColumns: readonly Column<Row>[] = [
  { head: 'sent', cell: ({ tunnel: { handle } }) => (handle ? formatAmount(handle.sent) : '-'), align: 'right' },
  { head: '/s', cell: ({ sentRate }) => formatAmount(sentRate), align: 'right' },
  {
    head: 'received',
    cell: ({ tunnel: { handle } }) => (handle ? formatAmount(handle.received) : 'dialling'),
    align: 'right',
  },
  {
    head: '/s',
    cell: ({ tunnel, receivedRate }) => (isWaiting(tunnel) ? 'waiting' : formatAmount(receivedRate)),
    align: 'right',
  },
  { head: 'age', cell: ({ tunnel }) => formatAge(readAge(tunnel)), align: 'right' },
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
