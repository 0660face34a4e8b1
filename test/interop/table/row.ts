import type { Visit } from '../support/bed.ts';

/** What is seen of a program that runs a file. */
export interface Seen {
  readonly visit: Visit;
  /** What the ends see, Envoy's and ours alike. */
  readonly story: readonly string[];
  /** Where ours is meant to differ. */
  readonly better?: {
    /** A sentence about what we do. */
    readonly because: string;
    readonly story: readonly string[];
  };
}

/** A file of `envoy-files`, and what is seen of a program that runs it: by what it shows. */
export interface Row {
  readonly file: string;
  readonly seen: Readonly<Record<string, Seen>>;
}
