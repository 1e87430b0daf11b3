import { createServer } from 'node:net';
import type { DemoPorts } from './demo-files.ts';

/** What the README and the help say; easy to remember. */
export const USUAL_PORTS: DemoPorts = { application: 7080, channel: 7443, service: 7081, clientAdmin: 7901, serverAdmin: 7902 };

/** The usual ports; one that is taken is replaced by a free one. */
export async function choosePorts(): Promise<DemoPorts> {
  const chosen: Record<string, number> = {};
  for (const [name, usual] of Object.entries(USUAL_PORTS)) chosen[name] = (await free(usual)) ?? (await free(0)) ?? usual;
  return chosen as unknown as DemoPorts;
}

/** The port that was bound, or undefined if it is taken. */
async function free(port: number): Promise<number | undefined> {
  const probe = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', () => {
        const address = probe.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch {
    return undefined;
  } finally {
    await new Promise<void>((resolve) => {
      if (probe.listening) probe.close(() => resolve());
      else resolve();
    });
  }
}
