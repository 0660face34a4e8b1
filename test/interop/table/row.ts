import type { Visit } from '../support/bed.ts';

/** The behaviour of a program that runs a file, as its clients and origins see it. */
export interface Seen {
  readonly visit: Visit;
  /** The story that Envoy and tunl have to give alike. */
  readonly story: readonly string[];
  /** The story of tunl, if it differs on purpose. */
  readonly better?: {
    /** A sentence about what we do. */
    readonly because: string;
    readonly story: readonly string[];
  };
}

/** A file of `envoy-files`, and the behaviours of a program that runs it, by their names. */
export interface Row {
  readonly file: string;
  readonly seen: Readonly<Record<string, Seen>>;
}
