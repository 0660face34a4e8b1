import type { Subject } from './subject.ts';

/** What somebody asks the admin address for. */
export interface AdminRequest {
  readonly query: URLSearchParams;
  /** What stands for `ID` in the path. */
  readonly id: string;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly type: 'text' | 'json' | 'html' | 'svg' | 'exposition';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Done once the answer is out. */
  readonly afterwards?: () => void;
}

/** One path of the admin address. */
export interface Endpoint {
  /** `ID` at its end stands for the rest of it. */
  readonly path: string;
  /** Whatever changes something is no GET. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly summary: string;
  /** What its query may say. */
  readonly params?: Readonly<Record<string, string>>;
  readonly answer: (subject: Subject, request: AdminRequest) => Answer | Promise<Answer>;
}

/** An answer in words. */
export function text(body: string, status = 200): Answer {
  return { status, type: 'text', body };
}

/** An answer for programs, laid out for people as Envoy does. */
export function json(value: unknown): Answer {
  return { status: 200, type: 'json', body: `${JSON.stringify(value, undefined, 1)}\n` };
}

/** An order that was carried out, or will be once this is out. */
export function done(afterwards?: () => void): Answer {
  return { ...text('OK\n'), ...(afterwards && { afterwards }) };
}

/** A request that makes no sense. */
export function badRequest(message: string): Answer {
  return text(`${message}\n`, 400);
}
