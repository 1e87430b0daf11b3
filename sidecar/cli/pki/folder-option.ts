import { Option } from 'commander';

/** `--dir` of every command of the CA. */
export function folderOption(): Option {
  return new Option('--dir <folder>', 'folder of the CA').default('pki');
}

export interface FolderOptions {
  readonly dir: string;
  readonly json?: true;
}

/** 2027-02-22 20:14 UTC */
export function dateText(time: number | string): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
