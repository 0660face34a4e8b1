/** The hidden word that begins the command line of a process in the background; the rest comes from its starter. */
export const detachedWord = '--detached';

/** What the starter tells the process, over the channel of Node between the two. */
export type StarterMessage =
  | {
      readonly kind: 'start';
      readonly words: readonly string[];
      readonly name: string;
      /** The part of the environment that others must not see. */
      readonly env: Readonly<Record<string, string | undefined>>;
    }
  | { readonly kind: 'answer'; readonly id: number; readonly text: string | null };

/** What the process tells its starter, until it listens or has ended. */
export type DetachedMessage =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: string }
  | { readonly kind: 'run'; readonly id: number; readonly command: string; readonly limitMs: number }
  | { readonly kind: 'say'; readonly lines: string }
  /** It cannot have its name. */
  | { readonly kind: 'refused'; readonly message: string; readonly hints: readonly string[] }
  | { readonly kind: 'ready' }
  | { readonly kind: 'end'; readonly status: number };
