export { exportEnvoy } from '../envoy/export.ts';
