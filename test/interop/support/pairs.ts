import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { findFreePort } from './part.ts';
import { fillFile, startSubject } from './subject.ts';
import { makeFolder } from './workspace.ts';

/** The programs that can be one end of a pair, each with the kind of file that it runs. */
export const ends = ['Envoy', 'tunl with a file of Envoy', 'tunl with a file of ours'] as const;
export type End = (typeof ends)[number];

/** The protocols between the two ends. */
export const protocols = ['HTTP/1.1 CONNECT', 'HTTP/2 CONNECT', 'HTTP/2 POST'] as const;
export type Protocol = (typeof protocols)[number];

/** One end: the file of Envoy's that it runs, and the same in our words, with `$front`, `$origin` and `$h2origin` in both. */
export interface EndFile {
  readonly file: string;
  readonly words: string;
  /** Another text for one place of the file. */
  readonly instead?: readonly [text: string, other: string];
}

/** Starts one end that leads to a port, and gives the port at which it listens. It ends with the test. */
export async function startEnd(end: End, { file, words, instead }: EndFile, to: number): Promise<number> {
  const ports = { front: await findFreePort(), front2: await findFreePort() };
  const all = { ...ports, origin: to, origin2: to, h2origin: to };
  const folder = makeFolder('pair');
  const path = end === 'tunl with a file of ours' ? join(folder, 'chain.yaml') : fillFile(file, all, folder, instead);
  if (end === 'tunl with a file of ours') {
    writeFileSync(path, words.replace('$front', String(ports.front)).replace(/\$(?:h2)?origin/, String(to)));
  }
  const { stop } = await startSubject(end === 'Envoy' ? 'envoy' : 'tunl', path, [ports.front]);
  onTestFinished(stop);
  return ports.front;
}

/** The pairs of two ends that are not both Envoy. */
export function listPairs(): readonly (readonly [near: End, far: End])[] {
  return ends
    .flatMap((near) => ends.map((far) => [near, far] as const))
    .filter(([near, far]) => near !== 'Envoy' || far !== 'Envoy');
}
