export { leave } from './leave.ts';
export { run } from './run.ts';
export { formatTitle } from './title.ts';
