import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Graph } from '../../chain/model/graph.ts';
import type { CertificateFacts } from '../../telemetry/admin/subject.ts';

/**
 * Reads the certificates that the listeners of a graph present, from their files as they are now. Files that cannot be
 * read are left out.
 */
export async function readListenerCertificates({ stages }: Graph): Promise<CertificateFacts[]> {
  const paths = new Set(stages.flatMap(({ tls }) => tls?.cert ?? []));
  const found = await Promise.all([...paths].map(readCertificate));
  return found.flatMap((facts) => facts ?? []);
}

async function readCertificate(path: string): Promise<CertificateFacts | undefined> {
  try {
    const { serialNumber, subjectAltName = '', validFrom, validTo } = new X509Certificate(await readFile(path));
    const names = subjectAltName.split(', ').filter((name) => name !== '');
    return {
      path,
      serialNumber,
      names: names.map((name) => name.replace(/^[^:]+:/, '')),
      validFrom: new Date(validFrom),
      validTo: new Date(validTo),
    };
  } catch {
    return undefined;
  }
}
