// A process of its own that floods an address: `node flood.ts silent|dripping|hello HOST PORT COUNT`. Prints "up" when it has
// begun in earnest, and goes on until it is killed.
import { connect, type Socket } from 'node:net';
import { createCrypto } from '../../engines/registry.ts';
import { startClient } from '../../handshake/client-opening.ts';
import { EarlySecrets } from '../../handshake/key-schedule.ts';
import { permittedSchemes, permittedSuites } from '../../handshake/negotiation.ts';
import { plainRecord } from '../../record/sealer.ts';

const [kind = '', host = '', port = '', countText = ''] = process.argv.slice(2);
const COUNT = Number(countText);
const AT_ONCE = 200;

/** A well-formed hello that passes the gate: what a flood would send that costs the server most. */
function hello(): Uint8Array {
  const crypto = createCrypto({ engine: 'openssl', forbid: [] });
  const step = startClient({
    crypto,
    early: new EarlySecrets(crypto.hash, undefined, ''),
    suites: permittedSuites(crypto, 'prefer', 'AES_GCM'),
    schemes: permittedSchemes(crypto),
    recordLimit: 65_536,
    isOwnLeafAllowed: false,
    isStapleRequired: false,
    leafKey: () => {
      throw new Error('a flood reads no certificates');
    },
    entropy: { random: (length) => crypto.random(length), grease: () => [1, 2] },
    credential: undefined,
    ticket: undefined,
  });
  const [effect] = step.effects;
  if (effect?.kind !== 'send') throw new Error('no hello');
  return plainRecord(effect.message.whole);
}

const bytes = kind === 'hello' ? hello() : new Uint8Array(1).fill(0x58);
const open = new Set<Socket>();
let made = 0;

function one(): void {
  const socket = connect({ host, port: Number(port) });
  open.add(socket);
  made += 1;
  if (made === COUNT) process.stdout.write('up\n');
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    if (kind === 'hello') socket.write(bytes);
    setImmediate(fill);
  });
  socket.once('close', () => {
    open.delete(socket);
    setImmediate(fill);
  });
}

let opening = 0;
function fill(): void {
  opening = [...open].filter((socket) => socket.connecting).length;
  while (open.size < COUNT && opening < AT_ONCE) {
    opening += 1;
    one();
  }
}

if (kind === 'dripping') {
  setInterval(() => {
    for (const socket of open) if (!socket.connecting && socket.bytesWritten < 7) socket.write(bytes);
  }, 1000);
}
fill();
