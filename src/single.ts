// The beginning of the single executable, which starts itself where `node dist/main.js` starts Node.
import process from 'node:process';
import { answerLookups, lookupWord } from './dial/system-lookup.ts';

if (process.argv[2] === lookupWord) answerLookups();
else void import('./main.ts');
