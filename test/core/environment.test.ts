import { expect, test } from 'vitest';
import { commandEnvironment, helperEnvironment } from '../../src/core/environment.ts';

const ours = {
  TUNL_PROXY_PASSWORD: 'a',
  TUNL_PROXY_PASSWORD_2: 'b',
  TUNL_SERVE_PASSWORD: 'c',
  TUNL_KEY_PASSWORD: 'd',
  NOTIFY_SOCKET: '/run/notify',
  WATCHDOG_PID: '1',
  WATCHDOG_USEC: '10000000',
  LISTEN_PID: '1',
  LISTEN_FDS: '1',
  LISTEN_FDNAMES: 'door',
};
const users = { PATH: '/bin', LISTEN_ADDRESS: '::1', MY_NOTIFY_SOCKET: 'x' };
const settings = { TUNL_CONFIG: 'f', NODE_OPTIONS: '-r x' };

test('a command of the user gets neither our passwords nor what the service manager gave to us', () => {
  expect(commandEnvironment({ ...ours, ...users, ...settings })).toEqual({ ...users, ...settings });
});

test('a program that we need ourselves gets no settings of tunl and of Node either', () => {
  expect(helperEnvironment({ ...ours, ...users, ...settings })).toEqual(users);
});
