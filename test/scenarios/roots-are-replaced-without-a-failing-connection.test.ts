import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Authority, type Issued } from '../../certs/ca/authority.ts';
import { application, connectTo } from '../support/applications.ts';
import { CLIENT_ID, makePki, SERVER_ID, startPair } from '../support/scenario.ts';
import { until } from '../support/trust.ts';

await t.test('old root, both roots, new root, while connections come and go', async (t) => {
  const pki = await makePki(t);
  const next = await Authority.create(join(pki.dir, 'next'), { name: 'Next CA' });
  const nextClient = await next.issue({ name: 'client', uris: [CLIENT_ID] });
  const nextServer = await next.issue({ name: 'server', uris: [SERVER_ID] });
  await next.crl();
  const live = join(pki.dir, 'live');
  mkdirSync(live);
  const bundle = join(live, 'ca.pem');
  const replaceBundle = (text: string): void => {
    writeFileSync(`${bundle}.new`, text);
    renameSync(`${bundle}.new`, bundle);
  };
  const install = (name: string, { certFile, keyFile }: Issued): Issued => {
    copyFileSync(certFile, join(live, `${name}.pem`));
    copyFileSync(keyFile as string, join(live, `${name}.key`));
    return { ...pki.client, certFile: join(live, `${name}.pem`), keyFile: join(live, `${name}.key`) };
  };
  const roots = { old: readFileSync(pki.authority.certFile, 'utf8'), next: readFileSync(next.certFile, 'utf8') };
  replaceBundle(roots.old);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, {
    pki,
    target: app.url,
    both: { trust: { bundles: [{ file: bundle }], revocation: { crl: [pki.authority.crlFile, next.crlFile] } } },
    clientIdentity: install('client', pki.client),
    serverIdentity: install('server', pki.server),
    // Every connection makes a handshake of its own.
    clientTunnel: { pool: { warm: 0, max_idle: 0 } },
  });

  let made = 0;
  const ending = new AbortController();
  const failures: unknown[] = [];
  const load = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const stream = await connectTo(t, pair.url);
      stream.write('x');
      const answered = await Promise.race([once(stream, 'data').then(() => true), once(stream, 'close').then(() => false)]).catch((error: unknown) => error);
      if (answered !== true) failures.push(answered);
      stream.destroy();
      made += 1;
      await sleep(2);
    }
  };
  const loads = [load(), load(), load()];
  const sides = [pair.client, pair.server];
  const step = async (what: string, change: () => void, message: RegExp): Promise<void> => {
    const before = sides.map(({ log }) => log.length);
    change();
    await until(what, () => sides.every(({ log }, i) => log.slice(before[i]).some(({ msg, detail }) => message.test(`${msg} ${detail}`))), 10_000);
    const madeBefore = made;
    await until('connections go on', () => made > madeBefore + 20, 20_000);
  };
  await step('both roots are trusted', () => replaceBundle(roots.old + roots.next), /trust has changed/);
  await step('both have new certificates', () => {
    install('client', nextClient);
    install('server', nextServer);
  }, /valid until/);
  await step('only the new root is trusted', () => replaceBundle(roots.next), /trust has changed/);
  ending.abort();
  await Promise.all(loads);
  t.same(failures, [], `${made} connections`);
});
