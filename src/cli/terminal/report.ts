import { formatDuration } from '../../core/deadline.ts';
import type { EventSink, NoticeEvent, TunlEvent, TunnelClosedEvent, TunnelFailedEvent } from '../../core/events.ts';
import { failureFields, formatFailure, sayFailure } from './fail.ts';
import type { MessageLevel, Ui } from './ui.ts';

/**
 * The command whose events are reported. `serve` writes one line for each request. `forward` reports failures, and with
 * a command it does not mention its own end. `connect` fails together with its only tunnel, so only its error is
 * written.
 */
export type ReportStyle = 'serve' | 'forward' | 'command' | 'connect';

/** Makes a sink that writes events as lines of text or JSON, as the output settings of the Ui ask. */
export function createReport(ui: Ui, style: ReportStyle): EventSink {
  // While a proxy is down each client gets a line, but the hints are written once.
  let lastFailure = '';
  const report = (event: TunlEvent): void => {
    // Most events are shown in one form or not at all, and are not formatted in any other.
    if (ui.output.form === 'json') ui.record(levelOfRecord(event), event.event, toFields(event));
    if (event.event !== 'tunnel.failed' || style === 'serve') return sayEvent(ui, event, style);
    const failure = formatFailure(event.error);
    sayFailedTunnel(ui, event, { style, isRepeated: failure === lastFailure });
    lastFailure = failure;
  };
  return Object.assign(report, { shows: (level: NoticeEvent['level']) => ui.shows(levelOfNotice(level)) });
}

function sayEvent(ui: Ui, event: TunlEvent, style: ReportStyle): void {
  const isAnswer = event.event === 'notice' && event.isAnswer === true && ui.onTerminal;
  const level = isAnswer ? 'normal' : levelOfLine(event, style);
  const line = ui.shows(level) ? format(event, style) : undefined;
  if (line === undefined) return;
  if (event.event === 'tunnel.closed' && style === 'serve') ui.log(level, line);
  else ui.say(level, line);
}

function sayFailedTunnel(
  ui: Ui,
  { error }: TunnelFailedEvent,
  { style, isRepeated }: { readonly style: ReportStyle; readonly isRepeated: boolean },
): void {
  if (style === 'connect') return;
  // A client that went away, or our own stop, is not a failure to reach the target.
  if (error.side === 'client' || error.code === 'interrupted') ui.say('verbose', formatFailure(error));
  else if (isRepeated) ui.say('error', formatFailure(error));
  else sayFailure(ui, error);
}

function levelOfRecord(event: TunlEvent): MessageLevel {
  if (event.event === 'notice') return levelOfNotice(event.level);
  return event.event === 'tunnel.failed' ? 'error' : 'normal';
}

function levelOfLine(event: TunlEvent, style: ReportStyle): MessageLevel {
  switch (event.event) {
    case 'tunnel.opened':
    case 'tunnel.waiting':
    case 'tunnel.resumed':
      return 'verbose';
    case 'tunnel.closed':
      return style === 'serve' || (style !== 'connect' && isLoss(event)) ? 'normal' : 'verbose';
    case 'notice':
      return levelOfNotice(event.level);
    case 'draining':
      return style === 'command' ? 'verbose' : 'normal';
    case 'listening':
    case 'tunnel.failed':
      return 'normal';
  }
}

function levelOfNotice(level: NoticeEvent['level']): MessageLevel {
  return level === 'warning' ? 'normal' : level;
}

/** True if the client may lack bytes. */
function isLoss({ end, side }: TunnelClosedEvent): boolean {
  return end !== 'clean' && end !== 'linger' && side !== 'client';
}

function toFields(event: TunlEvent): Readonly<Record<string, unknown>> {
  if (event.event === 'notice') return { level: event.level, message: event.message };
  if (event.event !== 'tunnel.failed') {
    const { event: _name, ...fields } = event;
    return fields;
  }
  const { event: _name, error, ...fields } = event;
  return { ...fields, ...failureFields(error) };
}

function format(event: TunlEvent, style: ReportStyle): string | undefined {
  switch (event.event) {
    case 'listening': {
      if (event.role === 'admin') return `admin ${event.address}`;
      const target = event.target === undefined ? '' : ` -> ${event.target}`;
      const place = event.front === undefined ? event.address : `${event.front}:${event.address}`;
      return `${event.role === 'serve' ? 'serving' : 'forwarding'} ${place}${target}${formatVia(event.via)}`;
    }
    case 'draining':
      return event.tunnels === 0
        ? undefined
        : `stopping; ${countTunnels(event.tunnels)} may finish within ${formatDuration(event.graceMs)}`;
    case 'tunnel.opened':
      return `${event.client} -> ${event.target} opened${formatVia(event.via)}`;
    case 'tunnel.waiting':
      return `${event.client} -> ${event.target} waits for another connection: ${event.reason}`;
    case 'tunnel.resumed':
      return `${event.client} -> ${event.target} goes on over another connection`;
    case 'tunnel.closed':
      return style === 'serve'
        ? formatAccess(event, formatEnd(event))
        : `${event.client} -> ${event.target} ${formatEnd(event)}`;
    case 'tunnel.failed':
      return formatAccess(event, formatFailure(event.error));
    case 'notice':
      return event.message;
  }
}

/** Writes `TIME CLIENT USER TARGET STATUS end`; an unknown value is `-`. */
function formatAccess(event: TunnelClosedEvent | TunnelFailedEvent, end: string): string {
  const { client, user = '', target, status = '-' } = event;
  return `${new Date().toISOString()} ${client} ${toColumn(user)} ${target} ${status} ${end}`;
}

/** Quotes a user name if needed: the client chooses it, and it must not look like another column. */
function toColumn(user: string): string {
  if (user === '') return '-';
  return user === '-' || /[\s"]/.test(user) ? JSON.stringify(user) : user;
}

function formatEnd({ end, side, reason, sent, received, ms, resumed }: TunnelClosedEvent): string {
  const often = resumed === undefined ? '' : `, resumed ${resumed} ${resumed === 1 ? 'time' : 'times'}`;
  const amount = `sent ${sent}, received ${received} in ${(ms / 1000).toFixed(3)}s${often}`;
  if (end === 'clean') return `closed: ${amount}`;
  const whose = side === undefined ? '' : side === 'self' ? ' by tunl' : ` by the ${side}`;
  const how = {
    reset: `reset${whose}`,
    idle: 'idle for too long',
    linger: `half closed for too long`,
    cut: `cut${whose}`,
  }[end];
  return `${how}: ${amount}${reason === undefined ? '' : ` (${reason})`}`;
}

/** Writes ` via http://proxy, https://edge`, or nothing without hops. */
export function formatVia(via: readonly string[]): string {
  return via.length === 0 ? '' : ` via ${via.join(', ')}`;
}

function countTunnels(count: number): string {
  return count === 1 ? '1 tunnel' : `${count} tunnels`;
}
