// Loaded into a program: on SIGUSR2 it collects its garbage and says how much memory it still holds, in bytes.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
let times = 0;

process.on('SIGUSR2', () => {
  collect();
  // What the buffers that are gone have held is given back by another thread, and counted in the next collection.
  setTimeout(() => {
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.stderr.write(`memory ${++times}: ${heapUsed + external} held, ${rss} resident\n`);
  }, 100);
});
