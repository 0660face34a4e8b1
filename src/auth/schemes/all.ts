import type { Scheme } from '../model/scheme.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { digest } from './digest.ts';
import { negotiate } from './negotiate.ts';
import { ntlm } from './ntlm.ts';

/** All schemes, in the order in which `auto` tries them. Each has a file in this folder and a line here. */
export const schemes: readonly Scheme[] = [bearer, negotiate, digest, ntlm, basic];
