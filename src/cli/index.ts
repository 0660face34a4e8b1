export { leave } from './process/leave.ts';
export { run } from './run.ts';
export { formatTitle } from './process/title.ts';
