import type { RouteOptions } from '../../chain/model/graph.ts';
import type { TcpAddress } from '../../core/address.ts';
import type { TlsSettings } from '../../core/hop.ts';

/** Options of `check`. */
export interface CheckOptions extends RouteOptions {
  readonly target: TcpAddress;
  /** Where the proxies come from, or why there are none, as a phrase: `from -x`. */
  readonly source: string;
  /** True to send data through the tunnel that an echoing target returns. */
  readonly deep: boolean;
  /** For so long, in milliseconds, a silent tunnel is watched; 0: not at all. */
  readonly idleMs: number;
  /** Further targets that the user named, to tell rules for ports from rules for hosts. */
  readonly elsewhere: readonly TcpAddress[];
  /** Settings of TLS to the target, by which its certificate is judged beside the public authorities. */
  readonly targetTls: TlsSettings;
  /** Path of a PEM file with the authorities that count as public. Default: those that are built into Node. */
  readonly publicCa?: string;
  /** The environment that names the folder for caches, in which findings are kept; without it none is. */
  readonly cacheEnv?: Readonly<Record<string, string | undefined>>;
  /** For so long, in milliseconds, an answer is waited for. Default: 2 s. */
  readonly patienceMs?: number;
}
