export { h1 } from './h1.ts';
export { hbone } from './hbone.ts';
export { https } from './https.ts';
export { h2 } from './h2.ts';
export { post } from './post.ts';
