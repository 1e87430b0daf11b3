// The table of legal orders: the document, FLOW and a real channel say the same.
import t from 'tap';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MESSAGE, type MessageName } from '../../handshake/codepoints.ts';
import { FLOW, permit, type Protection, type StateName } from '../../handshake/flow.ts';
import { makeMessage } from '../../handshake/messages/message.ts';
import { demandCookies } from '../support/channel-sides.ts';
import { HostileClient, HostileServer } from '../support/hostile-peer.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8');

/** One way from a state to another, in a form that can be compared. */
const arrow = (state: string, message: string, protection: string, next: string): string => `${state} + ${message} (${protection}) → ${next}`;

function documentedArrows(): readonly string[] {
  const section = DOCUMENT.slice(DOCUMENT.indexOf('6.10 **Legal orders.**'), DOCUMENT.indexOf('6.11 '));
  const rows = [...section.matchAll(/^\| ([^|]+) \| (\w+) \((plain|\d)\) \| ([^|]+) \|$/gm)];
  return rows.flatMap(([, states = '', message = '', protection = '', nexts = '']) =>
    states.split(', ').flatMap((state) =>
      nexts.split('; ').map((next) => {
        // "C wait finished when resuming", "established, sends Confirm": what follows the name is when or how.
        const name = /^(established|[CS] wait (?:hello after retry|hello again|hello|parameters|certificate verify|certificate|finished|confirm))/.exec(next)?.[1];
        return arrow(state, message, protection, name ?? `unreadable: ${next}`);
      }),
    ),
  );
}

/** States that wait for a verdict take no message: the document leaves them out. */
const BEHIND: Readonly<Partial<Record<StateName, StateName>>> = { 'C judge server': 'C wait confirm', 'S judge client': 'established' };

function codedArrows(): readonly string[] {
  const names = new Map<number, string>(Object.entries(MESSAGE).map(([name, type]) => [type, name.charAt(0).toUpperCase() + name.slice(1)]));
  return FLOW.flatMap(({ state, type, protection, next }) =>
    next.map((name) => arrow(state, names.get(type) as string, String(protection), BEHIND[name] ?? name)),
  );
}

t.test('the document has the rows of FLOW', async (t) => {
  const [documented, coded] = [documentedArrows(), codedArrows()].map((arrows) => [...new Set(arrows)].toSorted());
  t.ok((documented?.length ?? 0) >= 15, 'the table was found');
  t.same(coded, documented);
});

const STATES = [...new Set(FLOW.map(({ state }) => state)), 'C judge server', 'S judge client', 'established'] as const;
const PROTECTIONS: readonly Protection[] = ['plain', 0, 1, 2];
const TYPES: readonly number[] = [...Object.values(MESSAGE), 0x00, 0x09, 0x7f, 0xff];

t.test('permit accepts the rows of FLOW and nothing else', async (t) => {
  let accepted = 0;
  for (const state of STATES) {
    for (const type of TYPES) {
      for (const protection of PROTECTIONS) {
        const isLegal = FLOW.some((row) => row.state === state && row.type === type && row.protection === protection);
        let isPermitted = true;
        try {
          permit(state, type, protection);
          accepted += 1;
        } catch {
          isPermitted = false;
        }
        if (isPermitted !== isLegal) t.fail(`${state}, type ${type}, ${protection}: ${isPermitted ? 'accepted' : 'refused'}`);
      }
    }
  }
  t.equal(accepted, FLOW.length);
});

/** A victim in each state, with a peer that can say anything to it. */
const REACH: Readonly<Record<Exclude<StateName, 'C judge server' | 'S judge client' | 'established'>, () => HostileClient | HostileServer>> = {
  'C wait hello': () => {
    const peer = new HostileServer();
    peer.listen();
    return peer;
  },
  'C wait hello after retry': () => {
    const peer = new HostileServer();
    peer.listen();
    peer.plain(makeMessage(MESSAGE.retry, Uint8Array.of(1, 7)));
    peer.inbox.length = 0;
    return peer;
  },
  'C wait parameters': () => {
    const peer = new HostileServer();
    peer.sayHello();
    return peer;
  },
  'C wait certificate': () => {
    const peer = new HostileServer();
    peer.sayHello();
    peer.leadParameters();
    return peer;
  },
  'C wait certificate verify': () => {
    const peer = new HostileServer();
    peer.sayHello();
    peer.leadParameters();
    peer.leadCertificate();
    return peer;
  },
  'C wait finished': () => {
    const peer = new HostileServer();
    peer.sayHello();
    peer.leadParameters();
    peer.leadCertificate();
    peer.leadVerify();
    return peer;
  },
  'C wait confirm': () => {
    const peer = HostileServer.authenticated();
    peer.hearClient();
    return peer;
  },
  'S wait hello': () => new HostileClient(),
  'S wait hello again': () => {
    const peer = new HostileClient({ cookies: demandCookies() });
    peer.sayHello();
    return peer;
  },
  'S wait certificate': () => {
    const peer = new HostileClient();
    peer.sayHello();
    peer.hearServer();
    return peer;
  },
  'S wait certificate verify': () => {
    const peer = new HostileClient();
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    return peer;
  },
  'S wait finished': () => {
    const peer = new HostileClient();
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    peer.leadVerify();
    return peer;
  },
};

/** Bodies that are at least as long as the type demands; what they say is wrong, which is what the victim should notice. */
const BODY_LENGTHS: Readonly<Record<MessageName, number>> = {
  clientHello: 508, serverHello: 80, retry: 2, serverParameters: 60, certificate: 7, certificateVerify: 5, finished: 48,
  confirm: 0, failure: 0, rekeyWish: 4, rekeyRequest: 40, rekeyResponse: 60, rekeyFinish: 70, rekeyDone: 4, open: 13,
  end: 16, reset: 9, ping: 8, pong: 8, ticket: 53, alert: 1, close: 8, retire: 0,
};

/** What a victim answers to a message that the table does not list at all, by how it came. */
const OUT_OF_ORDER = new Set(['unexpected_message', 'unexpected_plain_record', 'retry_repeated', 'epoch_unexpected']);

/** Nothing protected has come yet: §11.2 takes a plain Failure. */
const BEFORE_PROTECTED = new Set<string>(['C wait hello', 'C wait hello after retry', 'C wait parameters', 'S wait hello', 'S wait hello again', 'S wait certificate']);

for (const [state, reach] of Object.entries(REACH) as [keyof typeof REACH, () => HostileClient | HostileServer][]) {
  t.test(`a channel in "${state}" refuses every other message`, async (t) => {
    for (const [name, type] of Object.entries(MESSAGE) as [MessageName, number][]) {
      for (const protection of ['plain', 'protected'] as const) {
        const peer = reach();
        if (protection === 'protected' && peer.sealer === undefined) continue;
        const protectionNow: Protection = protection === 'plain' ? 'plain' : state === 'C wait confirm' ? 0 : peer.epoch;
        const isListed = FLOW.some((row) => row.state === state && row.type === type && row.protection === protectionNow);
        const message = makeMessage(type, new Uint8Array(BODY_LENGTHS[name]));
        if (protection === 'plain') peer.plain(message);
        else peer.say(message);
        if (isListed && (name === 'retry' || name === 'confirm')) continue;
        const { reason } = peer;
        if (reason === undefined) t.fail(`${name}, ${protection}: accepted`);
        else if (name === 'failure') {
          const isLegal = protection === 'protected' || BEFORE_PROTECTED.has(state);
          t.equal(reason, isLegal ? 'peer_refused' : 'unexpected_message', `${protection} Failure`);
        } else if (isListed === OUT_OF_ORDER.has(reason)) t.fail(`${name}, ${protection}: ${reason}`);
        t.equal(peer.victim.established, undefined);
      }
    }
  });
}
