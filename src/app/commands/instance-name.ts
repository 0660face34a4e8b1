export { parseInstanceName } from '../../background/name.ts';
