import type { TunnelChoice } from './choice.ts';
import type { Subject } from './subject.ts';

/** The parts of a request to the admin address that endpoints read. */
export interface AdminRequest {
  readonly query: URLSearchParams;
  /** The part of the path that matches `ID`. */
  readonly id: string;
}

/** The answer to a request. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: 'text' | 'json' | 'html' | 'svg' | 'exposition' | 'events';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once the answer is sent. */
  readonly afterwards?: () => void;
  /** Present for an answer whose body goes on: events about the program, with these tunnels. */
  readonly follow?: { readonly choice: TunnelChoice; readonly isOnce: boolean };
}

/** One path of the admin address. */
export interface AdminEndpoint {
  /** `ID` at its end matches any last segment. */
  readonly path: string;
  /** Not GET if it changes anything. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly summary: string;
  /** Parameters of its query, with their descriptions. */
  readonly params?: Readonly<Record<string, string>>;
  readonly answer: (subject: Subject, request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;
}

/** Makes an answer in plain text. */
export function text(body: string, status = 200): AdminAnswer {
  return { status, type: 'text', body };
}

/** Makes an answer in JSON, indented as Envoy does. */
export function json(value: unknown): AdminAnswer {
  return { status: 200, type: 'json', body: `${JSON.stringify(value, undefined, 1)}\n` };
}

/** Makes the answer to an order; `afterwards` runs once the answer is sent. */
export function done(afterwards?: () => void): AdminAnswer {
  return { ...text('OK\n'), ...(afterwards && { afterwards }) };
}

/** Makes the answer to an invalid request. */
export function badRequest(message: string): AdminAnswer {
  return text(`${message}\n`, 400);
}
