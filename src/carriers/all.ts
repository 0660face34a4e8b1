export { h1 } from './h1.ts';
export { hbone } from './hbone.ts';
export { https } from './https.ts';
export { h2 } from './h2.ts';
export { post } from './post.ts';
export { socks4 } from './socks4.ts';
export { socks5 } from './socks5.ts';
export { websocket } from './websocket.ts';
