import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import { XpsError } from '../../base/errors.ts';

/** Marks a folder as one that the demo made and may replace. */
const MARKER = 'made-by-xpscerpto-demo';
const DOMAIN = 'spiffe://demo.example';

export interface DemoPorts {
  /** Where applications connect, in plaintext. */
  readonly application: number;
  /** Where the server's sidecar waits for channels. */
  readonly channel: number;
  /** The demo service itself. */
  readonly service: number;
  readonly clientAdmin: number;
  readonly serverAdmin: number;
}

export interface DemoFiles {
  readonly dir: string;
  readonly pkiDir: string;
  readonly clientConfig: string;
  readonly serverConfig: string;
}

/** A fresh folder with a CA, two identities, a CRL and the configurations of both sidecars. */
export async function writeDemoFiles(dir: string, ports: DemoPorts): Promise<DemoFiles> {
  prepareFolder(dir);
  const pkiDir = join(dir, 'pki');
  const authority = await Authority.create(pkiDir, { name: 'XPScerpto demo CA' });
  const client = await authority.issue({ name: 'client', uris: [`${DOMAIN}/client`] });
  const server = await authority.issue({ name: 'server', uris: [`${DOMAIN}/server`] });
  await authority.crl();

  const shared = {
    bundle: relative(dir, authority.certFile),
    crl: relative(dir, authority.crlFile),
  };
  const write = (name: string, text: string): string => {
    const file = join(dir, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    dir,
    pkiDir,
    clientConfig: write('client.yaml', configText({
      ...shared, role: 'client', cert: relative(dir, client.certFile), key: relative(dir, client.keyFile ?? ''),
      listen: ports.application, connect: ports.channel, peer: `${DOMAIN}/server`, admin: ports.clientAdmin,
    })),
    serverConfig: write('server.yaml', configText({
      ...shared, role: 'server', cert: relative(dir, server.certFile), key: relative(dir, server.keyFile ?? ''),
      listen: ports.channel, connect: ports.service, peer: `${DOMAIN}/client`, admin: ports.serverAdmin,
    })),
  };
}

function prepareFolder(dir: string): void {
  if (existsSync(dir)) {
    if (!existsSync(join(dir, MARKER))) {
      throw new XpsError('usage_invalid', { detail: `${dir} was not made by the demo and is left alone; name another folder with --dir` });
    }
    rmSync(dir, { recursive: true });
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, MARKER), '');
}

interface ConfigParts {
  readonly role: 'client' | 'server';
  readonly bundle: string;
  readonly crl: string;
  readonly cert: string;
  readonly key: string;
  readonly listen: number;
  readonly connect: number;
  readonly peer: string;
  readonly admin: number;
}

function configText(parts: ConfigParts): string {
  const explain = parts.role === 'client' ? 'plaintext in, channel out' : 'channel in, plaintext out';
  return `# The ${parts.role} side of the demo. Paths are relative to this file.
identity:
  cert: ${parts.cert}
  key: ${parts.key}
trust:
  bundles:
    - file: ${parts.bundle}
  revocation:
    mode: hard
    crl: [${parts.crl}]
tunnels:
  - name: demo
    role: ${parts.role}          # ${explain}
    listen: tcp://127.0.0.1:${parts.listen}
    connect: tcp://127.0.0.1:${parts.connect}
    peer:
      allow: ["${parts.peer}"]
admin:
  listen: 127.0.0.1:${parts.admin}
`;
}
