export { describeRoutes } from '../chain/http-text.ts';
