import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEnvoyFile } from '../parts/envoy.ts';
import { type Part, startPart } from './part.ts';
import { run } from './process.ts';
import { makeTunlCommand } from './tunl.ts';

/** Writes a file of `tunl chain` whose first listener is at this port; other files may go into the folder. */
export type WriteGraph = (port: number, folder: string) => string;

/** Something that runs a file of `tunl chain`. */
export interface GraphRunner {
  readonly name: string;
  start(write: WriteGraph): Promise<Part>;
}

/** tunl itself, Envoy with the file that tunl exports, and tunl again with that file. */
export const graphRunners: readonly GraphRunner[] = [
  {
    name: 'tunl',
    start: (write) =>
      startPart('chain', (port, folder) => makeTunlCommand(['chain', '-c', writeFile(write, port, folder)])),
  },
  {
    name: 'Envoy',
    start: (write) =>
      startEnvoyFile((port, folder) => exportFile(writeFile(write, port, folder), join(folder, 'envoy.yaml'))),
  },
  {
    name: 'tunl, read from what it exports,',
    start: (write) =>
      startPart('chain', async (port, folder) => {
        const file = await exportFile(writeFile(write, port, folder), join(folder, 'envoy.yaml'));
        return makeTunlCommand(['chain', '-c', file]);
      }),
  },
];

function writeFile(write: WriteGraph, port: number, folder: string): string {
  const file = join(folder, 'chain.yaml');
  writeFileSync(file, write(port, folder));
  return file;
}

async function exportFile(file: string, exported: string): Promise<string> {
  const { code, stdout, stderr } = await run(makeTunlCommand(['chain', '-c', file, '--export', 'envoy']));
  if (code !== 0) throw new Error(`${readFileSync(file, 'utf8')}\n${stderr}`);
  writeFileSync(exported, stdout);
  return exported;
}
