import type { FieldMatch, TextMatch } from './condition.ts';

/** A condition on a connection, or on a request with its connection. */
export type ScreenRule =
  | { readonly kind: 'any' }
  /** All of them are met, or at least one. */
  | { readonly kind: 'all' | 'some'; readonly rules: readonly ScreenRule[] }
  | { readonly kind: 'not'; readonly rule: ScreenRule }
  /** A field of the request. */
  | { readonly kind: 'field'; readonly field: FieldMatch }
  /** The path of the request, without its query. A CONNECT has none, and meets no condition on it. */
  | { readonly kind: 'path'; readonly text: TextMatch }
  /** The port that the client has reached, from the first to the last. */
  | { readonly kind: 'port'; readonly first: number; readonly last: number }
  /** The IP address that the client has reached, or its own: a range such as `10.0.0.0/8`. */
  | { readonly kind: 'reached' | 'client'; readonly range: string }
  /** The server name that the client asks for in TLS, in lower case; empty without one. */
  | { readonly kind: 'server-name'; readonly text: TextMatch }
  /**
   * A name in the certificate of the client: a URI, a host, or its subject (`CN=a,O=b`, RFC 4514). Without a text every
   * client that speaks TLS is meant.
   */
  | { readonly kind: 'identity'; readonly text?: TextMatch };

/** Something that a client may do: it fits if one condition of each list is met. */
export interface ScreenPolicy {
  readonly name: string;
  /** What is asked for. */
  readonly what: readonly ScreenRule[];
  /** Who asks. */
  readonly who: readonly ScreenRule[];
}

/** Lets nothing but what fits one of its policies pass (`allow`), or everything else (`deny`). */
export interface Screen {
  readonly action: 'allow' | 'deny';
  readonly policies: readonly ScreenPolicy[];
}

/** Lists the rules of screens, those inside others included. */
export function listRules(screens: readonly Screen[]): readonly ScreenRule[] {
  return screens.flatMap(({ policies }) => policies.flatMap(({ what, who }) => [...what, ...who].flatMap(withInner)));
}

function withInner(rule: ScreenRule): ScreenRule[] {
  switch (rule.kind) {
    case 'all':
    case 'some':
      return [rule, ...rule.rules.flatMap(withInner)];
    case 'not':
      return [rule, ...withInner(rule.rule)];
    default:
      return [rule];
  }
}

/** True for a rule that looks at the request, so that it says nothing about a connection alone. */
export function isOfRequest({ kind }: ScreenRule): boolean {
  return kind === 'field' || kind === 'path';
}

/** True for a rule that looks at the addresses of a connection. */
export function isOfPlace({ kind }: ScreenRule): boolean {
  return kind === 'port' || kind === 'reached' || kind === 'client';
}
