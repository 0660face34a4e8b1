import { formatDuration } from '../core/deadline.ts';
import type { EventSink, NoticeEvent, TunlEvent, TunnelClosedEvent, TunnelFailedEvent } from '../core/events.ts';
import { failureFields, formatFailure, sayFailure } from './fail.ts';
import type { Level, Ui } from './ui.ts';

/**
 * Whose events they are. A server keeps one line for each request; a forward says what failed, and
 * with a command nothing of its own end; `connect` fails with its only tunnel, which is said once.
 */
export type ReportStyle = 'serve' | 'forward' | 'command' | 'connect';

/** Writes events as lines of text or JSON, as the voice of the Ui wants it. */
export function createReport(ui: Ui, style: ReportStyle): EventSink {
  // While a proxy is away each client gets its line, but what can be done about it is said once.
  let lastFailure = '';
  return (event) => {
    ui.record(levelOfRecord(event), event.event, toFields(event));
    if (event.event !== 'tunnel.failed' || style === 'serve') return sayEvent(ui, event, style);
    const failure = formatFailure(event.error);
    sayFailedTunnel(ui, event, { style, isRepeated: failure === lastFailure });
    lastFailure = failure;
  };
}

function sayEvent(ui: Ui, event: TunlEvent, style: ReportStyle): void {
  const line = format(event, style);
  if (line !== undefined) ui.say(levelOfLine(event, style), line);
}

function sayFailedTunnel(
  ui: Ui,
  { error }: TunnelFailedEvent,
  { style, isRepeated }: { readonly style: ReportStyle; readonly isRepeated: boolean },
): void {
  if (style === 'connect') return;
  // A client that went away, or our own stop, is no fault of the way to the target.
  if (error.side === 'client' || error.code === 'interrupted') ui.say('verbose', formatFailure(error));
  else if (isRepeated) ui.say('error', formatFailure(error));
  else sayFailure(ui, error);
}

function levelOfRecord(event: TunlEvent): Level {
  if (event.event === 'notice') return levelOfNotice(event);
  return event.event === 'tunnel.failed' ? 'error' : 'normal';
}

function levelOfLine(event: TunlEvent, style: ReportStyle): Level {
  switch (event.event) {
    case 'tunnel.opened':
      return 'verbose';
    case 'tunnel.closed':
      return style === 'serve' || (style !== 'connect' && isLoss(event)) ? 'normal' : 'verbose';
    case 'notice':
      return levelOfNotice(event);
    case 'draining':
      return style === 'command' ? 'verbose' : 'normal';
    case 'listening':
    case 'tunnel.failed':
      return 'normal';
  }
}

function levelOfNotice({ level }: NoticeEvent): Level {
  return level === 'warning' ? 'normal' : level;
}

/** True when bytes may be missing at the client. */
function isLoss({ end, side }: TunnelClosedEvent): boolean {
  return end !== 'clean' && end !== 'linger' && side !== 'client';
}

function toFields(event: TunlEvent): Readonly<Record<string, unknown>> {
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
      return `${event.role === 'serve' ? 'serving' : 'forwarding'} ${event.address}${target}${formatVia(event.via)}`;
    }
    case 'draining':
      return event.tunnels === 0
        ? undefined
        : `stopping; ${countTunnels(event.tunnels)} may finish within ${formatDuration(event.graceMs)}`;
    case 'tunnel.opened':
      return `${event.client} -> ${event.target} opened${formatVia(event.via)}`;
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

/** `TIME CLIENT USER TARGET STATUS end`; what is not known is `-`. */
function formatAccess(event: TunnelClosedEvent | TunnelFailedEvent, end: string): string {
  const { client, user = '', target, status = '-' } = event;
  return `${new Date().toISOString()} ${client} ${toColumn(user)} ${target} ${status} ${end}`;
}

/** A name is chosen by whoever asks: it must not look like what stands beside it. */
function toColumn(user: string): string {
  if (user === '') return '-';
  return user === '-' || /[\s"]/.test(user) ? JSON.stringify(user) : user;
}

function formatEnd({ end, side, reason, sent, received, ms }: TunnelClosedEvent): string {
  const amount = `sent ${sent}, received ${received} in ${(ms / 1000).toFixed(3)}s`;
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

/** ` via http://proxy, https://edge`, or nothing. */
export function formatVia(via: readonly string[]): string {
  return via.length === 0 ? '' : ` via ${via.join(', ')}`;
}

function countTunnels(count: number): string {
  return count === 1 ? '1 tunnel' : `${count} tunnels`;
}
