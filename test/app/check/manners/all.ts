import { lasting } from './lasting.ts';
import { login } from './login.ts';
import { reaching } from './reaching.ts';
import { tunnels } from './tunnels.ts';
import type { Manner } from './ways.ts';

/** All manners of proxies that a check tells apart, in the order of the table in docs/check.md. */
export const manners: readonly Manner[] = [...reaching, ...login, ...tunnels, ...lasting];
