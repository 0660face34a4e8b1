/**
 * What sessions load when a hop does not open a tunnel at once: it asks who we are, or refuses. They are loaded
 * together, because what they share with the rest of the program would else be cut into more files.
 */
export { leaveBody } from '../body/leave.ts';
export { Http1Connection } from '../login/h1-connection.ts';
export { isOpened, negotiate, streamConnection } from '../login/negotiate.ts';
export { refusalError } from './refusal.ts';
