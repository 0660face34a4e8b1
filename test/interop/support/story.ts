import { readFileSync } from 'node:fs';
import type { RawPeer } from '../../support/peers/raw-peer.ts';

/** Fields that name the date or the program, and Envoy's own fields. We send `User-Agent`, and Envoy does not. */
const volatile = /^(?:date|server|user-agent|x-envoy-.*)$/;

/** Fields whose value differs each time; only their presence is told. */
const random = /^x-request-id$/;

/** Collects what the ends of a program see, in words that are the same in each run. */
export class Story {
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();

  /** Makes later lines call the port by this name. */
  name(port: number, name: string): void {
    this.#names.set(String(port), name.toUpperCase());
  }

  tell(who: string, what: string): void {
    const named = what.replaceAll(
      /\b(?:127\.0\.0\.1:)?(\d{4,5})\b/g,
      (all, port: string) => this.#names.get(port) ?? all,
    );
    this.#lines.push(`${who}: ${named}`);
  }

  /** Waits until the far side of a peer has ended, and tells what came and how it ended. */
  async tellEnd(who: string, peer: RawPeer): Promise<void> {
    await peer.waitForEnd();
    const { inbox } = peer;
    const text = inbox.take(inbox.size).toString('latin1');
    this.tell(who, `${text && `${JSON.stringify(text)}, `}${describeEnd(peer)}`);
  }

  /** Takes so many bytes and tells them. */
  async tellBytes(who: string, peer: RawPeer, count: number): Promise<void> {
    this.tell(who, JSON.stringify((await peer.read(count)).toString('latin1')));
  }

  /** Takes the head of an HTTP/1.1 message, with the body that it says it has, and tells it. */
  async tellMessage(who: string, peer: RawPeer): Promise<void> {
    const head = await peer.readHead();
    const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
    // The answer to a CONNECT has no body, whatever it says.
    const body = length === undefined ? '' : (await peer.read(Number(length))).toString('latin1');
    this.tell(who, `${describeHead(head)}${body && ` | ${JSON.stringify(body)}`}`);
  }

  /** Takes the head of an HTTP/1.1 answer that the program made up, and tells no more than its status. */
  async tellStatus(who: string, peer: RawPeer): Promise<void> {
    this.tell(who, (await peer.readHead()).slice('HTTP/1.1 '.length).slice(0, 3));
  }

  /** Returns the lines that were told since the last call. */
  take(): readonly string[] {
    return this.#lines.splice(0);
  }
}

/** Returns the lines of a file, or none if it does not exist yet. */
export function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** The fields that matter, in the order of their names; pseudo-fields are among them. */
export function describeFields(fields: readonly (readonly string[])[]): string {
  const told = fields
    .map(([name = '', value = '']) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !volatile.test(name))
    .map(([name, value]) => `${name}: ${describeValue(name, value)}`);
  return told.toSorted().join(' | ');
}

function describeValue(name: string, value: string): string {
  if (random.test(name)) return '*';
  // Case means nothing there (RFC 9110, section 7.6.1).
  return name === 'connection' ? value.toLowerCase() : value;
}

function describeHead(head: string): string {
  const [first = '', ...lines] = head.trimEnd().split('\r\n');
  const fields = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  // The reason phrase of an answer says nothing.
  return [first.replace(/^(HTTP\S+ \d+).*/, '$1'), describeFields(fields)].filter(Boolean).join(' | ');
}

/** `fin`, or `reset`: over HTTP/2 a reset may look like an end at first. */
function describeEnd({ inbox, stream }: RawPeer): string {
  const { closed, rstCode, writableEnded } = stream as { closed: boolean; rstCode?: number; writableEnded: boolean };
  if (rstCode === undefined && !('session' in stream)) return inbox.farEnd;
  const isReset = inbox.farEnd !== 'fin' || (rstCode ?? 0) !== 0 || (closed && !writableEnded);
  return isReset ? 'reset' : 'fin';
}
