// The load generator (bench/load/load.cc), built on demand.
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = resolve(import.meta.dirname, '../load/load.cc');
const run = promisify(execFile);

export class Load {
  readonly #program: string;

  /** Throws where no C++ compiler is installed. */
  constructor(dir: string) {
    this.#program = join(dir, 'load');
    const built = spawnSync(process.env['CXX'] ?? 'g++', ['-std=c++20', '-O2', SOURCE, '-o', this.#program], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`the load generator cannot be built: ${built.error?.message ?? built.stderr}`);
  }

  /** The application; it ends when its input does. */
  async serve(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
    const child = spawn(this.#program, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, port: Number(line.toString()) };
  }

  /** Seconds until `bytes` over `streams` connections have arrived. */
  async bulk(port: number, streams: number, bytes: number): Promise<number> {
    return ((await this.#measure('bulk', port, streams, bytes)) as { readonly seconds: number }).seconds;
  }

  /** Microseconds of `count` requests of 1 KiB, one after another. */
  async ping(port: number, count: number): Promise<{ readonly p50: number; readonly p99: number }> {
    return (await this.#measure('ping', port, count)) as { readonly p50: number; readonly p99: number };
  }

  /** Short connections, `concurrency` at a time. */
  async visit(port: number, seconds: number, concurrency: number): Promise<{ readonly visits: number; readonly failures: number; readonly seconds: number }> {
    return (await this.#measure('visit', port, seconds, concurrency)) as { readonly visits: number; readonly failures: number; readonly seconds: number };
  }

  /** Holds `count` connections open while `action` runs. */
  async holding<T>(port: number, count: number, action: () => Promise<T>): Promise<T> {
    const child = spawn(this.#program, ['idle', String(port), String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(child, 'exit');
    try {
      const first = await Promise.race([once(child.stdout, 'data'), gone.then(() => undefined)]);
      if (first === undefined) throw new Error('idle connections could not be opened');
      return await action();
    } finally {
      child.stdin.end();
      await gone;
    }
  }

  async #measure(...words: readonly (string | number)[]): Promise<unknown> {
    const { stdout } = await run(this.#program, words.map(String), { timeout: 120_000 });
    return JSON.parse(stdout) as unknown;
  }
}
