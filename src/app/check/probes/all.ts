import type { Probe } from '../probe.ts';
import { asks } from './asks.ts';
import { bytes } from './bytes.ts';
import { clock } from './clock.ts';
import { connect } from './connect.ts';
import { elsewhere } from './elsewhere.ts';
import { halfClose } from './half-close.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { login } from './login.ts';
import { proxy } from './proxy.ts';
import { tls } from './tls.ts';

/** All probes, in the order of their lines: the cheapest first. Each has a file in this folder and a line here. */
export const probes: readonly Probe[] = [
  proxy,
  http,
  clock,
  asks,
  login,
  connect,
  elsewhere,
  bytes,
  tls,
  halfClose,
  idle,
];
