import { envName, FlagError } from '@herald/process';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** Adds a flag that can also be given as `HERALD_*` in the environment; the flag wins. `preset` is what it means without a value. */
export function flag<T>(
  command: Command,
  flags: string,
  description: string,
  fallback?: T,
  parse?: (text: string) => T,
  preset?: T,
): Command {
  const option = new Option(flags, description).env(envName(flags));
  if (fallback !== undefined) option.default(fallback);
  if (preset !== undefined) option.preset(String(preset));
  if (parse !== undefined) {
    option.argParser(text => {
      try {
        return parse(text);
      } catch (error) {
        if (error instanceof FlagError) throw new InvalidArgumentError(error.message);
        throw error;
      }
    });
  }
  return command.addOption(option);
}
