export { h1 } from './h1.ts';
