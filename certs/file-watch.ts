import { watch, type FSWatcher } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** After the last event of a burst, and at the latest after the first: writers replace several files one by one. */
const QUIET_MS = 100;
const LATEST_MS = 1000;
/** Network file systems and replaced folders give no events: look at least this often. */
const POLL_MS = 10_000;
const MAX_FOLDER_ENTRIES = 10_000;

export interface WatchTiming {
  readonly quietMs?: number;
  readonly pollMs?: number;
}

/**
 * Calls `onChange` after a file, or anything in a folder, became another one. Folders are watched, not files: Kubernetes
 * mounts secrets as symlinks through `..data`, which it replaces by a rename, and editors rename too; a watch on the
 * file itself would go on looking at the old one. Other files in the same folder cause no call.
 */
export class FileWatch implements Disposable {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  readonly #quietMs: number;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #seen: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #firstEventAt: number | undefined;
  #isLooking = false;
  #isDisposed = false;

  /** Absolute paths. What is there before `start` was awaited is the state that changes are told from. */
  constructor(paths: readonly string[], onChange: () => void, timing: WatchTiming = {}) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#quietMs = timing.quietMs ?? QUIET_MS;
    this.#poll = setInterval(() => void this.#look(), timing.pollMs ?? POLL_MS);
    this.#poll.unref();
  }

  /** Await this before the first read: a change during that read is then seen. */
  async start(): Promise<void> {
    await this.#watchFolders();
    this.#seen = await fingerprint(this.#paths);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #event(): void {
    if (this.#isDisposed) return;
    const now = performance.now();
    this.#firstEventAt ??= now;
    const leftMs = Math.max(this.#firstEventAt + LATEST_MS - now, 0);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#firstEventAt = undefined;
      void this.#look();
    }, Math.min(this.#quietMs, leftMs));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) {
      this.#event();
      return;
    }
    this.#isLooking = true;
    try {
      await this.#watchFolders();
      const now = await fingerprint(this.#paths);
      if (this.#isDisposed || now === this.#seen) return;
      this.#seen = now;
      this.#onChange();
    } finally {
      this.#isLooking = false;
    }
  }

  /** The folder of the path as it is written, and that of the file at the end of its symlinks. */
  async #watchFolders(): Promise<void> {
    const wanted = new Set<string>();
    for (const path of this.#paths) {
      wanted.add(dirname(path));
      const real = await realpath(path).catch(() => undefined);
      if (real === undefined) continue;
      wanted.add(dirname(real));
      if ((await stat(real).catch(() => undefined))?.isDirectory() === true) wanted.add(real);
    }
    if (this.#isDisposed) return;
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (!this.#watchers.has(folder)) this.#watchFolder(folder);
    }
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // A folder that was itself replaced has to be opened again under its name.
        if (name === null || name === basename(folder)) this.#forget(folder);
        this.#event();
      });
      watcher.on('error', () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // It is not there or there are too many watches: polling finds changes all the same.
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

async function fingerprint(paths: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const path of paths) parts.push(await fingerprintOf(path, true));
  return parts.join('\n');
}

/** What changes when another file is under this name, or other content in the same file. */
async function fingerprintOf(path: string, entersFolders: boolean): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return `${path} absent`;
  if (found.isDirectory() && entersFolders) {
    const names = (await readdir(path).catch((): string[] => [])).toSorted().slice(0, MAX_FOLDER_ENTRIES);
    const entries: string[] = [];
    for (const name of names) entries.push(await fingerprintOf(join(path, name), false));
    return entries.join('\n');
  }
  return `${path} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
