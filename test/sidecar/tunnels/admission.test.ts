import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { Admission, type AdmissionPass } from '../../../sidecar/tunnels/admission.ts';
import { TunnelCounters } from '../../../sidecar/tunnels/counters.ts';

const LIMITS = { connections: 1000, connectionsPerSource: 50, handshakes: 20, handshakesPerSource: 10 };

class Crowd {
  nowMs = 0;
  readonly counters = new TunnelCounters();
  readonly admission: Admission = new Admission(LIMITS, this.counters, () => this.nowMs);
  readonly dropped: string[] = [];

  enter(name: string, source = 'a'): AdmissionPass {
    return this.admission.enter(source, () => this.dropped.push(name));
  }

  /** The trim comes two turns of the event loop after the accept. */
  async settle(): Promise<void> {
    for (let i = 0; i < 4; i += 1) await turn();
    this.admission.beat();
  }
}

t.test('within the limits nobody has to go', async (t) => {
  const crowd = new Crowd();
  for (let i = 0; i < 10; i += 1) crowd.enter(`${i}`);
  crowd.nowMs += 10_000;
  await crowd.settle();
  t.strictSame(crowd.dropped, []);
  t.equal(crowd.admission.halfOpen, 10);
});

t.test('the oldest silent ones of a source make room, but not at once', async (t) => {
  const crowd = new Crowd();
  for (let i = 0; i < 13; i += 1) crowd.enter(`${i}`);
  await crowd.settle();
  t.strictSame(crowd.dropped, [], 'all are young');
  crowd.nowMs += 300;
  await crowd.settle();
  t.strictSame(crowd.dropped, ['0', '1', '2']);
  t.equal(crowd.counters.halfOpenDropped, 3);
});

t.test('silent before retried before answered', async (t) => {
  const crowd = new Crowd();
  const answered = crowd.enter('answered');
  const retried = crowd.enter('retried');
  answered.answered();
  retried.retried();
  for (let i = 0; i < 10; i += 1) crowd.enter(`${i}`);
  crowd.nowMs += 300;
  await crowd.settle();
  t.strictSame(crowd.dropped, ['0', '1'], 'though they are younger');
});

t.test('an established channel keeps its place', async (t) => {
  const crowd = new Crowd();
  for (let i = 0; i < 45; i += 1) crowd.enter(`established ${i}`).established();
  for (let i = 0; i < 8; i += 1) crowd.enter(`${i}`);
  crowd.nowMs += 300;
  await crowd.settle();
  t.strictSame(crowd.dropped, ['0', '1', '2'], 'the source has more than its 50 connections');
});

t.test('a flood far above the limit gets no grace', async (t) => {
  const crowd = new Crowd();
  for (let i = 0; i < 60; i += 1) crowd.enter(`${i}`);
  await crowd.settle();
  t.equal(crowd.admission.halfOpen, 40, 'four times the share');
});

t.test('when the total is reached the biggest source makes room', async (t) => {
  const crowd = new Crowd();
  for (let i = 0; i < 9; i += 1) crowd.enter(`a${i}`, 'a');
  for (let i = 0; i < 8; i += 1) crowd.enter(`b${i}`, 'b');
  for (let i = 0; i < 5; i += 1) crowd.enter(`c${i}`, 'c');
  crowd.nowMs += 300;
  await crowd.settle();
  t.equal(crowd.admission.halfOpen, 20);
  t.strictSame(crowd.dropped, ['a0', 'a1'], 'a had most');
});

t.test('places come free', async (t) => {
  const crowd = new Crowd();
  const pass = crowd.enter('x');
  pass.leave();
  pass.leave();
  t.equal(crowd.admission.total, 0);
  t.equal(crowd.admission.halfOpen, 0);
  pass.established();
  t.equal(crowd.admission.total, 0, 'who has left does not come back');
});

t.test('applications are turned away when there is no place', (t) => {
  const counters = new TunnelCounters();
  const admission = new Admission({ ...LIMITS, connections: 3, connectionsPerSource: 2 }, counters, () => 0);
  const first = admission.enterProven('a');
  t.ok(first);
  t.ok(admission.enterProven('a'));
  t.notOk(admission.enterProven('a'), 'the share of its source');
  t.ok(admission.enterProven('b'));
  t.notOk(admission.enterProven('c'), 'the total');
  t.equal(counters.refused, 2);
  first?.leave();
  t.ok(admission.enterProven('c'));
  t.end();
});

t.test('load is a rate of hellos, or many handshakes under way', (t) => {
  const crowd = new Crowd();
  t.notOk(crowd.admission.isUnderLoad());
  for (let i = 0; i < 250; i += 1) crowd.admission.isUnderLoad();
  t.ok(crowd.admission.isUnderLoad());
  crowd.nowMs += 1000;
  t.notOk(crowd.admission.isUnderLoad(), 'a second later it is over');
  for (let i = 0; i < 6; i += 1) crowd.enter(`${i}`).answered();
  t.ok(crowd.admission.isUnderLoad(), 'a quarter of limits.handshakes');
  t.end();
});
