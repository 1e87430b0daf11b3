import { InvalidArgumentError, Option } from 'commander';

/** Forms of options that several commands share. */

/** `--dns a --dns b`: each occurrence adds one. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (may be repeated)`).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
}

/** Days, with a fraction where somebody needs hours. */
export function daysOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => {
    const days = Number(text);
    if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || !(days > 0) || days > 36_500) throw new InvalidArgumentError('Write a number of days, such as 90 or 0.5.');
    return days;
  });
}

export function countOption(flags: string, description: string, { min, max }: { readonly min: number; readonly max: number }): Option {
  return new Option(flags, description).argParser((text: string) => {
    const count = Number(text);
    if (!/^[0-9]+$/.test(text) || count < min || count > max) throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    return count;
  });
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON for programs');
}
