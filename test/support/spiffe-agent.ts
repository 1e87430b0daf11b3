// A SPIFFE agent for tests, made of go-spiffe: test/peers/spiffe-server, built into .cache/ when it is not there.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const SOURCE = resolve(import.meta.dirname, '../peers/spiffe-server');
const BIN = resolve(import.meta.dirname, '../../.cache/go/bin');
const BINARY = join(BIN, 'spiffe-server');
const BUILD_MS = 100_000;

/** Builds it where it is not there or older than its source. False, or why there is none. */
export function withoutSpiffeAgent(): string | false {
  const builtMs = statSync(BINARY, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtMs > statSync(join(SOURCE, 'main.go')).mtimeMs) return false;
  if (spawnSync('go', ['version']).status !== 0) return 'go is not installed, and the agent is built with it';
  mkdirSync(BIN, { recursive: true });
  const { status, stderr } = spawnSync('go', ['build', '-o', BINARY, '.'], { cwd: SOURCE, env: { ...process.env, CGO_ENABLED: '0' }, timeout: BUILD_MS, encoding: 'utf8' });
  return status === 0 ? false : `the agent cannot be built: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

export interface AgentCommand {
  readonly do: 'serve' | 'mismatch' | 'garbage' | 'deny' | 'renew' | 'down' | 'up' | 'issue' | 'verify' | 'streams';
  readonly ids?: readonly string[];
  readonly hints?: readonly string[];
  readonly federate?: readonly string[];
  readonly domain?: string;
  readonly chain?: string;
}

export interface AgentAnswer {
  readonly ok: boolean;
  readonly error?: string;
  readonly id?: string;
  readonly chain?: string;
  readonly key?: string;
  readonly bundle?: string;
  readonly streams?: number;
}

export class SpiffeAgent {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: ((answer: AgentAnswer) => void)[] = [];

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#waiting.shift()?.(JSON.parse(line) as AgentAnswer));
  }

  /** Listens when this resolves, and serves nothing until it is told. */
  static async start(t: { teardown(end: () => void): void }, socket: string): Promise<SpiffeAgent> {
    const child = spawn(BINARY, [socket], { stdio: 'pipe' });
    t.teardown(() => child.kill());
    const agent = new SpiffeAgent(child);
    await agent.#answer();
    return agent;
  }

  async tell(command: AgentCommand): Promise<AgentAnswer> {
    const answer = this.#answer();
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    return answer;
  }

  #answer(): Promise<AgentAnswer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
