import { passwordCommandName } from '../../../syntax/password-file.ts';
import { asText, option } from '../../parse/option.ts';

/** The option that names a command for the password of a proxy. */
export const passwordCommandOption = option(passwordCommandName, asText, {
  value: 'COMMAND',
  summary: 'the first line that this command prints is the password of a user that a proxy has none for',
});
