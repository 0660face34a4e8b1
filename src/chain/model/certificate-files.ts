import type { TlsSettings } from '../../core/hop.ts';
import { type Graph, type ListenerTls, listRoutesOut, listStages } from './graph.ts';

/** Lists the files of a graph with certificates, keys, their passwords and authorities, each once. */
export function listCertificateFiles(graph: Graph): readonly string[] {
  const files = listStages(graph).flatMap((stage) => [
    ...listOfListener(stage.tls),
    ...listRoutesOut(stage).flatMap(({ route, tls }) => [
      ...listOfHop(tls),
      ...route.hops.flat().flatMap((hop) => listOfHop(hop.tls)),
    ]),
  ]);
  return [...new Set(files)];
}

function listOfListener({ cert, key, clientCa, keyPasswordFile }: Partial<ListenerTls> = {}): string[] {
  return [cert, key, clientCa, keyPasswordFile].filter((path) => path !== undefined);
}

function listOfHop({ cacert, cert, key, keyPasswordFile }: TlsSettings = {}): string[] {
  return [cacert, cert, key, keyPasswordFile].filter((path) => path !== undefined);
}
