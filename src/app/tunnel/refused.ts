import type { Origin } from '../../core/dialer.ts';
import type { TunlError } from '../../core/errors.ts';
import { toShort } from '../../syntax/text.ts';
import type { WriteAccess } from './access-log.ts';
import type { TunnelEnv } from './tunnel.ts';
import { formatPeer } from './tunnels.ts';

/** A request that is refused before it is served; its user may be a mere claim of the client. */
export interface RefusedRequest {
  readonly id: number;
  readonly origin: Origin;
  readonly target: string;
  readonly started: number;
}

/** The parts of a stage that reports such a request. */
export interface RefusedEnv extends Pick<TunnelEnv, 'emit' | 'record' | 'via'> {
  readonly access?: { readonly write: WriteAccess };
}

/** Emits the event of a refused request; `status` is absent if the client was not answered with one. */
export function reportRefused(
  { emit, record, via }: RefusedEnv,
  { id, origin, target, started }: RefusedRequest,
  error: TunlError,
  status?: number,
): void {
  if (record === 'none') return;
  const { peer, user, stages = [] } = origin;
  emit({
    event: 'tunnel.failed',
    id,
    client: formatPeer(peer),
    ...(user !== undefined && { user: toShort(user) }),
    target,
    via,
    ...(stages.length > 1 && { stages }),
    ms: Math.round(performance.now() - started),
    error,
    ...(status !== undefined && { status }),
  });
}

/** Writes the lines of a refused request to the access logs. */
export function logRefused(
  { access }: RefusedEnv,
  { id, origin, started }: RefusedRequest,
  failure: TunlError,
  status?: number,
): void {
  const tunnel = { id, started };
  access?.write({ at: 'asked', tunnel, origin });
  access?.write({ tunnel, origin, failure, ...(status !== undefined && { status }) });
}
