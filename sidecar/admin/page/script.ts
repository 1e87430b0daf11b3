/** Runs in the browser as it stands here: plain JavaScript, no markup made from text. */
export const PAGE_SCRIPT = `'use strict';
const REFRESH_MS = 2000;
const DAY_MS = 86400000;
let before;

function cell(row, content, options) {
  const { kind = 'td', isNumber = false, isBad = false } = options ?? {};
  const element = document.createElement(kind);
  element.textContent = String(content);
  if (isNumber) element.classList.add('number');
  if (isBad) element.classList.add('bad');
  row.append(element);
}

/** columns: [title, value(item), options(item)?] */
function fill(id, items, columns, empty) {
  const table = document.getElementById(id);
  const rows = [];
  const head = document.createElement('tr');
  for (const [title, , options] of columns) cell(head, title, { kind: 'th', isNumber: options?.().isNumber });
  rows.push(head);
  for (const item of items) {
    const row = document.createElement('tr');
    for (const [, value, options] of columns) cell(row, value(item), options?.(item));
    rows.push(row);
  }
  if (items.length === 0) {
    const row = document.createElement('tr');
    cell(row, empty);
    row.firstChild.colSpan = columns.length;
    row.firstChild.classList.add('none');
    rows.push(row);
  }
  table.replaceChildren(...rows);
}

const number = () => ({ isNumber: true });
const sum = (counts) => Object.values(counts).reduce((total, value) => total + value, 0);

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let index = 0;
  let scaled = value;
  for (; scaled >= 1024 && index < units.length - 1; index += 1) scaled /= 1024;
  return scaled.toFixed(index === 0 ? 0 : 1) + ' ' + units[index];
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return seconds + ' s';
  if (seconds < 7200) return Math.round(seconds / 60) + ' min';
  if (seconds < 172800) return Math.round(seconds / 3600) + ' h';
  return Math.round(seconds / 86400) + ' d';
}

function until(timeMs, nowMs) {
  if (timeMs === undefined) return 'no end';
  const left = timeMs - nowMs;
  return left <= 0 ? 'expired' : 'in ' + duration(left);
}

function rate(tunnel, key, nowMs) {
  const old = before?.tunnels.find((other) => other.name === tunnel.name);
  if (old === undefined || nowMs <= before.nowMs) return '';
  return bytes(Math.max(0, tunnel.counters[key] - old.counters[key]) / ((nowMs - before.nowMs) / 1000)) + '/s';
}

function show(status) {
  const { nowMs, tunnels, trust } = status;
  const state = document.getElementById('state');
  state.textContent = status.state;
  state.className = 'badge ' + status.state;
  document.getElementById('process').textContent =
    'process ' + status.process.pid + ', up ' + duration(status.process.uptimeMs) + ', memory ' + bytes(status.process.rssBytes);

  fill('identity', status.identity === undefined ? [] : [status.identity], [
    ['Name', (own) => own.name],
    ['Expires', (own) => until(own.notAfterMs, nowMs), (own) => ({ isBad: own !== undefined && own.notAfterMs - nowMs < DAY_MS })],
    ['OCSP staple', (own) => (own.hasStaple ? 'yes' : 'no')],
  ], 'anonymous');

  fill('tunnels', tunnels, [
    ['Name', (tunnel) => tunnel.name],
    ['Role', (tunnel) => tunnel.role],
    ['Listens on', (tunnel) => tunnel.listen],
    ['Leads to', (tunnel) => tunnel.targets.map((target) => target.url + (target.isResting ? ' (down)' : '')).join(', '),
      (tunnel) => ({ isBad: tunnel !== undefined && tunnel.targets.every((target) => target.isResting) })],
    ['Connections', (tunnel) => tunnel.openConnections, number],
    ['Channels', (tunnel) => tunnel.channelCount, number],
    ['idle', (tunnel) => tunnel.idleChannels, number],
    ['half-open', (tunnel) => tunnel.halfOpen, number],
    ['Rekeys', (tunnel) => sum(tunnel.counters.rekeys), number],
    ['To channel', (tunnel) => bytes(tunnel.counters.bytesToChannel), number],
    ['', (tunnel) => rate(tunnel, 'bytesToChannel', nowMs), number],
    ['From channel', (tunnel) => bytes(tunnel.counters.bytesFromChannel), number],
    ['', (tunnel) => rate(tunnel, 'bytesFromChannel', nowMs), number],
  ], 'none');

  const channels = tunnels.flatMap((tunnel) => tunnel.channels.map((channel) => ({ ...channel, tunnel: tunnel.name })));
  fill('channels', channels, [
    ['Tunnel', (channel) => channel.tunnel],
    ['Peer', (channel) => channel.peer],
    ['Accepted until', (channel) => (channel.peer === 'anonymous' ? '' : until(channel.peerValidUntilMs, nowMs))],
    ['Remote', (channel) => channel.remote],
    ['Suite', (channel) => channel.suite],
    ['Engine', (channel) => channel.engine],
    ['Keys', (channel) => channel.generation, number],
    ['Resumed', (channel) => (channel.isResumed ? 'yes' : 'no')],
    ['State', (channel) => (channel.isBusy ? 'in use' : 'idle')],
    ['Age', (channel) => duration(channel.ageMs), number],
  ], 'none');

  const failures = tunnels.flatMap((tunnel) => [
    ...Object.entries(tunnel.counters.handshakesFailed).map(([reason, count]) => ({ tunnel: tunnel.name, what: 'handshake', reason, count })),
    ...Object.entries(tunnel.counters.channelsFailed).map(([reason, count]) => ({ tunnel: tunnel.name, what: 'channel', reason, count })),
  ]);
  fill('failures', failures, [
    ['Tunnel', (failure) => failure.tunnel],
    ['What', (failure) => failure.what],
    ['Reason', (failure) => failure.reason],
    ['Count', (failure) => failure.count, number],
  ], 'none');

  fill('anchors', trust.anchors, [
    ['Trusted CA', (anchor) => anchor.name],
    ['Expires', (anchor) => until(anchor.notAfterMs, nowMs), (anchor) => ({ isBad: anchor !== undefined && anchor.notAfterMs < nowMs })],
    ['From', (anchor) => anchor.file],
  ], 'no trusted CA');
  fill('crls', trust.crls, [
    ['CRL of', (crl) => crl.issuer],
    ['Revoked', (crl) => crl.revoked, number],
    ['Issued', (crl) => duration(nowMs - crl.thisUpdateMs) + ' ago'],
    ['Next', (crl) => until(crl.nextUpdateMs, nowMs), (crl) => ({ isBad: crl?.nextUpdateMs !== undefined && crl.nextUpdateMs < nowMs })],
    ['From', (crl) => crl.source],
  ], 'no CRL');
  fill('verdicts', Object.entries(trust.verdicts), [
    ['Verdict about peers', ([outcome]) => outcome],
    ['Count', ([, count]) => count, number],
  ], 'no verdict yet');

  fill('engines', Object.entries(status.engines), [
    ['What', ([what]) => what],
    ['Engine', ([, engine]) => engine],
  ], 'none');
  before = status;
}

async function refresh() {
  const freshness = document.getElementById('freshness');
  try {
    const response = await fetch('/status', { cache: 'no-store' });
    show(await response.json());
    freshness.textContent = '';
  } catch {
    const state = document.getElementById('state');
    state.textContent = 'no answer';
    state.className = 'badge lost';
    freshness.textContent = 'what follows is old';
  }
  setTimeout(refresh, REFRESH_MS);
}

refresh();
`;
