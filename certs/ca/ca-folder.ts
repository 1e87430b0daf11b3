import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { XpsError } from '../../base/errors.ts';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const PUBLIC_FILE = 0o644;
const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_OTHERS = 0o077;

const LOCK_WAIT_MS = 10_000;
const LOCK_STEP_MS = 20;

let temporaryFiles = 0;

/** The files of one development CA. Everything is written beside its place and then renamed: no half file is ever read. */
export class CaFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder (0700). One that exists is taken as it is, unless others may write to it. */
  static async make(path: string): Promise<CaFolder> {
    await orUnusable(path, () => makeFolders(resolve(path, 'issued')));
    return CaFolder.at(path);
  }

  static async at(path: string): Promise<CaFolder> {
    const { mode } = await orUnusable(path, () => stat(path));
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new XpsError('ca_folder_unusable', { detail: `${path} may be written by other users; run chmod 700 ${path}` });
    }
    return new CaFolder(path);
  }

  has(file: string): boolean {
    return existsSync(join(this.path, file));
  }

  file(file: string): string {
    return join(this.path, file);
  }

  /** Undefined when the file does not exist. */
  async read(file: string): Promise<string | undefined> {
    const path = this.file(file);
    return orUnusable(path, async () => {
      try {
        return await readFile(path, 'utf8');
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw thrown;
      }
    });
  }

  /** A key that others may read is no longer a secret, and this says so instead of using it. */
  async readKey(file: string): Promise<string | undefined> {
    const path = this.file(file);
    if (!this.has(file)) return undefined;
    const { mode } = await orUnusable(path, () => stat(path));
    if ((mode & READABLE_BY_OTHERS) !== 0) {
      throw new XpsError('ca_folder_unusable', { detail: `${path} may be read by other users; run chmod 600 ${path}` });
    }
    return this.read(file);
  }

  async write(file: string, content: string | Uint8Array): Promise<void> {
    await replaceFile(this.file(file), content, PUBLIC_FILE);
  }

  async writeKey(file: string, pem: string): Promise<void> {
    await replaceFile(this.file(file), pem, PRIVATE_FILE);
  }

  /** Runs `work` while no other process changes this folder. Not re-entrant. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = this.file('.lock');
    await acquire(lock);
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }
}

/** Not `recursive: true`: that never ends where the system denies having the parent, as /proc does. */
async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return;
  await makeFolders(dirname(path));
  await mkdir(path, { mode: PRIVATE_FOLDER });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
}

/** Durable and atomic: the content is on disk before the name points to it. */
export async function replaceFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await orUnusable(path, async () => {
    temporaryFiles += 1;
    const temporary = join(dirname(path), `.${process.pid}-${temporaryFiles}.tmp`);
    try {
      const handle = await open(temporary, 'wx', mode);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      // The umask may have taken bits away from a public file; a key's mode is what was asked for.
      if (mode === PRIVATE_FILE) await chmod(temporary, mode);
      await rename(temporary, path);
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
  });
}

async function acquire(lock: string): Promise<void> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      const handle = await open(lock, 'wx', PRIVATE_FILE);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(lock, thrown);
    }
    // Not taken over by itself: two processes that both find it abandoned would end up holding it both.
    if (await isAbandoned(lock)) {
      throw new XpsError('ca_folder_unusable', { detail: `${lock} was left behind by a process that ended; remove it` });
    }
    if (performance.now() > deadline) {
      throw new XpsError('ca_folder_unusable', { detail: `${lock} is held by another process for too long` });
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_STEP_MS));
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  let holder: number;
  try {
    holder = Number(await readFile(lock, 'utf8'));
  } catch {
    return false;
  }
  // Empty for the moment between its making and its writing.
  if (!Number.isInteger(holder) || holder <= 0) return false;
  try {
    process.kill(holder, 0);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function orUnusable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof XpsError) throw thrown;
    throw unusable(path, thrown);
  }
}

function unusable(path: string, thrown: unknown): XpsError {
  return new XpsError('ca_folder_unusable', { detail: `${path}: ${reasonOf(thrown)}`, cause: thrown });
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
      return 'no space is left';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a file is in the way';
    default:
      return message;
  }
}
