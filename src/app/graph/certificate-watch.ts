import { type BigIntStats, unwatchFile, watchFile } from 'node:fs';
import { carriers, findScheme } from '../../carriers/index.ts';
import { listCertificateFiles } from '../../chain/model/certificate-files.ts';
import { type Graph, listRoutesOut, listStages } from '../../chain/model/graph.ts';
import type { TlsDemand } from '../../core/carrier.ts';
import { toTunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';

/** The interval at which files are looked at, in milliseconds. */
const lookMs = 2000;

/** The time after a change in which the other files of a set may still be written, in milliseconds. */
const settleMs = 250;

/**
 * Reads certificates, keys and authorities again after their files changed: files that were written in place or
 * replaced, and paths with a symlink that leads elsewhere now, as in volumes of Kubernetes. The paths are looked at,
 * because the system's events for a file or a folder do not tell of a symlink further up.
 */
export class CertificateWatch {
  readonly #read: () => Promise<void>;
  readonly #emit: EventSink;
  #paths: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `read` reads all the files; if it rejects, what was read before is still in use. */
  constructor(read: () => Promise<void>, emit: EventSink) {
    this.#read = read;
    this.#emit = emit;
  }

  /** Looks at the files of this graph from now on, and no longer at those of another. It does not keep the process alive. */
  follow(graph: Graph): void {
    this.close();
    this.#paths = listCertificateFiles(graph);
    const options = { bigint: true, persistent: false, interval: lookMs } as const;
    for (const path of this.#paths) watchFile(path, options, this.#onLook);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const path of this.#paths) unwatchFile(path, this.#onLook as () => void);
    this.#paths = [];
  }

  readonly #onLook = (now: BigIntStats, before: BigIntStats): void => {
    if (isOther(now, before)) this.#readIn(settleMs, false);
  };

  /** A certificate and its key cannot be replaced at one moment, so only a second failure is reported. */
  #readIn(ms: number, isSecond: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#readNow(isSecond), ms).unref();
  }

  async #readNow(isSecond: boolean): Promise<void> {
    const what = 'certificates and keys changed';
    try {
      await this.#read();
      this.#emit({ event: 'notice', level: 'verbose', message: `${what}, and were read again` });
    } catch (error) {
      if (!isSecond) return this.#readIn(lookMs, true);
      const message = `${what} and cannot be used, the old ones stay: ${toTunlError(error).message}`;
      this.#emit({ event: 'notice', level: 'warning', message });
    }
  }
}

/** True if the content may be another one; times of access do not count. A file that is gone says nothing yet. */
function isOther(now: BigIntStats, before: BigIntStats): boolean {
  const isGone = now.ino === 0n && now.mtimeNs === 0n;
  const fields = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const;
  return !isGone && fields.some((field) => now[field] !== before[field]);
}

/** True if the graph has certificates of a mesh, which last for hours and are replaced while the program runs. */
export function hasMeshCertificates(graph: Graph): boolean {
  const isOfMesh = (tls: TlsDemand | undefined) => tls?.verify === 'spiffe';
  const isServed = (accept: readonly string[]) =>
    carriers.some(({ server, serveFlag }) => serveFlag && accept.includes(serveFlag.name) && isOfMesh(server?.tls));
  return listStages(graph).some(
    (stage) =>
      (stage.job === 'proxy' && isServed(stage.accept)) ||
      listRoutesOut(stage).some(({ route }) =>
        route.hops.flat().some(({ scheme }) => isOfMesh(findScheme(scheme)?.tls)),
      ),
  );
}
