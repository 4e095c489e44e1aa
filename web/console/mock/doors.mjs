/**
 * The doors of the made-up estate: the board, alarms, devices, receipts, the desk, faces, terms, the public-health mode. Development only.
 * Pass numbers to try: K7M4-Q2XD (a guest), H3TR-9WKP (a visitor on paper), anything else is unknown. The health mode is off; `office` asks, `committee` approves.
 */
import { events, gates, now } from './estate.mjs';

const iso = (at) => new Date(at).toISOString();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const begun = now();

export const alarms = [
  { id: 1, gate: 'G02', source: 'T02', kind: 'FORCED', words: '', began_at: iso(begun - 3 * MINUTE), ended_at: null, seen_by: '', seen_at: null },
  { id: 2, gate: 'G13', source: 'box', kind: 'OFFLINE', words: '', began_at: iso(begun - 83 * MINUTE), ended_at: null, seen_by: '', seen_at: null },
  { id: 3, gate: 'G29', source: 'box', kind: 'OFFLINE', words: '', began_at: iso(begun - 82 * MINUTE), ended_at: null, seen_by: 'property', seen_at: iso(begun - 70 * MINUTE) },
  { id: 4, gate: 'G33', source: 'T33', kind: 'LOW_BATTERY', words: '12 %', began_at: iso(begun - 26 * HOUR), ended_at: null, seen_by: 'property', seen_at: iso(begun - 25 * HOUR) },
];

const MAKES = [['httpv2', 'X7'], ['isapi', 'DS-K1T671'], ['ttlock', 'L2'], ['camera', ''], ['simulated', '']];
export const terminals = gates.filter((_gate, place) => place % 3 !== 2).map((gate, place) => {
  const [make, model] = MAKES[place % MAKES.length];
  const failed = place === 3 ? 2 : 0;
  return {
    id: `term_${place + 1}`, code: `T${gate.code.slice(1)}`, gate: gate.code, make, model, settings: {}, has_secret: make === 'isapi', enabled: place !== 20, online: gate.online && place !== 20,
    seen_at: gate.last_seen_at, firmware: model ? `V3.2.${place}` : '', drift_ms: place === 5 ? 95_400 : ((place * 37) % 900) - 450, trouble: '', ok: 380 - failed, pending: place === 7 ? 14 : 0, failed,
    troubles: failed ? { PHOTO_UNUSABLE: 1, FULL: 1 } : {}, listed: 380, listed_at: iso(begun - 6 * HOUR), strangers: place === 9 ? 1 : 0,
  };
});
const drift = () => terminals.map((one, place) => ({ terminal: one.code, gate: one.gate, wanted: 380, holds: 380 - (place === 3 ? 2 : 0), missing: place === 3 ? 2 : 0, surplus: 0, outdated: place === 7 ? 14 : 0, strangers: one.strangers, read_at: one.listed_at }));

export function board() {
  return gates.map((gate, place) => {
    const here = terminals.filter((one) => one.gate === gate.code && one.enabled);
    const ringing = alarms.filter((one) => one.gate === gate.code && !one.ended_at);
    const last = events.find((one) => one.gate === gate.code);
    return {
      code: gate.code, name_zh: gate.name_zh, name_en: gate.name_en, kind: gate.kind, online: gate.online, last_seen_at: gate.last_seen_at, version: gate.version, behind: gate.behind,
      list_age_s: gate.online ? 2 + (place % 40) : 4980, terminals: { known: here.length, online: here.filter((one) => one.online).length, pending: 0, failed: here.reduce((sum, one) => sum + one.failed, 0) },
      alarms: [...new Set(ringing.map((one) => one.kind))], unseen_alarms: ringing.filter((one) => !one.seen_at).length,
      last_passage: last ? { happened_at: last.happened_at, method: last.method, direction: last.direction, opened: last.opened, reason: last.reason } : null, missing: 0, unsent: gate.online ? 0 : 41,
    };
  });
}

const commands = [];
function command(code, kind, by, why) {
  const made = { id: `cmd_${commands.length + 1}`, gate: code, kind, asked_by: by, why, asked_at: iso(now()), expires_at: iso(now() + 20_000), outcome: '', words: '', done_at: null };
  commands.unshift(made);
  setTimeout(() => Object.assign(made, { outcome: gates.find((one) => one.code === code).online ? 'DONE' : 'EXPIRED', done_at: iso(now()) }), 1_200).unref();
  return made;
}

function who(code) {
  const here = terminals.filter((one) => one.gate === code);
  const people = Array.from({ length: 14 }, (_, place) => ({
    number: `${'ABCDEFGHJKLMNP'[place]}7M4-Q2X${place % 10}`, serial: String(place).padStart(16, '0'), holder_kind: ['guest', 'guest', 'resident', 'visitor', 'cleaner'][place % 5],
    standing: place === 0 ? 'MISSING' : place === 1 ? 'SURPLUS' : 'OK', opens: place !== 0, start: iso(begun - 20 * HOUR), end: iso(begun + (4 + place) * HOUR), trouble: place === 0 ? 'PHOTO_UNUSABLE' : '',
  }));
  const keeper = (terminal, make) => ({ terminal, make, read_at: iso(begun - 6 * HOUR), age_s: 21_600, version: terminal ? null : 4712, holds: 380, opens: 371, missing: 1, surplus: 1, outdated: 0, strangers: 0, people });
  return { gate: code, asked_at: iso(now()), keepers: here.length > 0 ? here.map((one) => keeper(one.code, one.make)) : [{ ...keeper(null, ''), missing: 0, surplus: 0, people: people.slice(2) }] };
}

export const passes = new Map([
  ['K7M4Q2XD', pass('pass_1', 'K7M4-Q2XD', 'guest', false, [{ id: 'cred_1', pass_id: 'pass_1', kind: 'CARD', label: '··4417', live: true, version: 1, issued_at: iso(begun - HOUR), ended_at: null }])],
  ['H3TR9WKP', pass('pass_2', 'H3TR-9WKP', 'visitor', true, [])],
]);
function pass(id, number, holder, printed, credentials) {
  return {
    id, number, holder_kind: holder, state: 'ACTIVE', start: iso(begun - 20 * HOUR), end: iso(begun + 22 * HOUR), static: printed, hours: 0, uses: 0, changed: begun - 5_000, credentials,
    doors: [{ number: 1, zh: '小区大门', en: 'Estate gates' }, { number: 2, zh: '车库', en: 'Garage' }, { number: 19, zh: '7 幢 2 单元', en: 'Building 7, entrance 2' }],
  };
}
const byId = (id) => [...passes.values()].find((one) => one.id === id);

function receipts(found) {
  const ended = found.state === 'REVOKED';
  const list = gates.map((gate, place) => {
    const at = found.changed + 90 + ((place * 53) % 700);
    const owed = ended && !gate.online;
    return { gate: gate.code, box: 'box_1', concerned: place < 6 || place === 18, version: owed ? null : 4713, applied_at: owed ? null : iso(at), receipted_at: owed ? null : iso(at + 30) };
  });
  const receipted = list.filter((one) => one.receipted_at).length;
  return { pass_id: found.id, state: found.state, version: 4713, changed_at: iso(found.changed), gates: list.length, receipted, seconds: receipted === list.length ? 0.82 : null, receipts: list };
}
function closure(found) {
  const ended = found.state === 'REVOKED';
  const at = terminals.slice(0, 5).map((one, place) => ({
    terminal: one.code, gate: one.gate, state: place === 4 ? null : ended ? 'REMOVED' : 'OK', version: 4713, changed_at: place === 4 ? null : iso(found.changed + 400 + place * 90), told_at: place === 4 ? null : iso(found.changed + 600 + place * 90), trouble: '',
  }));
  return { receipts: receipts(found), holding: ended ? 0 : 4, removed_seconds: ended ? 0.76 : null, terminals: at };
}

const CODE = 'AQAAAZ3kq0xN2u5b7c8d9e0fA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2W3x4Y5z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0o1P2q3R4s5T6u7';
const paper = (granted) => ({ granted, code: CODE });
const faces = { offered: true, guardian_under: null, consented_at: null, held: null, removed: [] };
const notice = {
  purpose: 'face_pass', version: '1', digest: 'd'.repeat(64), zh: '目的：仅用于打开您本来就可以打开的门。\n并非必需；二维码、卡和密码打开同样的门。\n可随时撤回，不说明理由。',
  en: 'Purpose: only to open the doors that are yours to open anyway.\nIt is not needed: code, card and PIN open the same doors.\nYou may take it back at any time, without a reason.',
};
const rate = (reported, of) => ({ reported, of, rate: of ? reported / of : 0, at_least: reported ? 0.4 * (reported / of) : 0, at_most: of ? (reported + 3.8) / of : 1 });
const gateFaces = [
  { gate: 'G01', opened: 1840, refused: 96, false_accepts: rate(0, 1840), false_rejects: rate(7, 1936), last_told_at: iso(begun - 3 * HOUR) },
  { gate: 'G05', opened: 422, refused: 31, false_accepts: rate(1, 422), false_rejects: rate(2, 453), last_told_at: iso(begun - 50 * HOUR) },
];
const reports = [{ digest: '9f2c41d07be5aa10'.repeat(4), model: 'sface-2021dec', threshold: 550, margin: 50, gallery_cap: 200, figures: { people: 64, pictures: 402, eer: 0.0121 }, taken_by: 'property', taken_at: iso(begun - 90 * HOUR) }];

const W = ['FACE', 'CODE', 'CARD', 'IDCARD', 'PIN'];
const T = (holder_kind, doors, ways, more = {}) => ({ holder_kind, doors, ways, early_minutes: 0, late_minutes: 0, longest_minutes: 0, ends_by: null, review_days: 0, hours: 0, uses: 0, source: 'appendix A4', in_force_from: null, decided_by: '', ...more });
const ALL = ['estate', 'garage', 'entrance'];
const terms = [
  T('guest', ALL, W), T('companion', ALL, W), T('visitor', ['estate', 'entrance'], ['CODE', 'PIN'], { longest_minutes: 720, ends_by: 1380 }), T('resident', ALL, W, { review_days: 365 }),
  T('child', ALL, ['CODE', 'CARD'], { review_days: 365 }), T('operator', ALL, W.slice(1), { hours: 1 }), T('cleaner', ALL, W.slice(1), { hours: 1, source: 'Committee 2025-31', in_force_from: iso(begun - 700 * HOUR), decided_by: 'property' }),
  T('courier', ['estate'], ['CODE', 'PIN'], { longest_minutes: 30 }), T('guard', ALL, W, { longest_minutes: 720 }), T('staff', ALL, W, { longest_minutes: 720 }), T('emergency', ALL, ['CODE', 'CARD'], { longest_minutes: 120 }),
];
const hours = [{ number: 1, name_zh: '日间', name_en: 'Daytime', slots: Array.from({ length: 7 }, (_, weekday) => ({ weekday, start: 420, end: weekday === 6 ? 1080 : 1320 })), holidays: true }];
const health = { on: false, orders: [], proposals: [] };

/** This will list the routes, given who is signed in, how to refuse, and how to tell the open streams. */
export const routes = ({ who: me, refuse, tell }) => {
  const missing = () => { throw refuse(404, 'not_found', '没有这个通行证号。', 'There is no pass of that number.'); };
  const found = (id) => byId(id) ?? missing();
  return [
    ['GET', /^\/api\/gates\/board$/, () => board()],
    ['GET', /^\/api\/gate-alarms$/, () => alarms.filter((one) => !one.ended_at)],
    ['POST', /^\/api\/gate-alarms\/(\d+)\/seen$/, ({ ids }) => Object.assign(alarms.find((one) => one.id === Number(ids[0])), { seen_by: me().id, seen_at: iso(now()) })],
    ['GET', /^\/api\/gate-commands$/, ({ q }) => commands.filter((one) => one.gate === q.get('gate')).slice(0, Number(q.get('limit') ?? 10))],
    ['POST', /^\/api\/gates\/(\w+)\/(open|release|listing|compare)$/, ({ ids, body }) => command(ids[0], ids[1].toUpperCase(), me().id, body.reason ?? 'asked from the console')],
    ['GET', /^\/api\/gates\/(\w+)\/who$/, ({ ids }) => who(ids[0])],
    ['GET', /^\/api\/terminals$/, () => terminals],
    ['GET', /^\/api\/terminals\/drift$/, () => drift()],
    ['GET', /^\/api\/passes\/(\w+)\/terminals$/, ({ ids }) => closure(found(ids[0]))],
    ['POST', /^\/api\/passes\/(\w+)\/revoke$/, ({ ids }) => Object.assign(found(ids[0]), { state: 'REVOKED', changed: now() })],
    ['GET', /^\/api\/desk\/passes$/, ({ q }) => passes.get((q.get('number') ?? '').replace(/[^0-9A-Z]/g, '')) ?? missing()],
    ['POST', /^\/api\/desk\/passes\/(\w+)\/paper$/, ({ ids }) => paper({ ...found(ids[0]), id: 'pass_9', number: 'P4PR-2WXY', static: true })],
    ['POST', /^\/api\/desk\/passes\/(\w+)\/cards$/, ({ ids, body }) => addProof(found(ids[0]), 'CARD', `··${body.number.slice(-4)}`)],
    ['POST', /^\/api\/desk\/passes\/(\w+)\/pin$/, ({ ids }) => ({ credential: addProof(found(ids[0]), 'PIN', '······'), pin: '482915' })],
    ['POST', /^\/api\/desk\/passes\/(\w+)\/idcards$/, ({ ids, body }) => addProof(found(ids[0]), 'IDCARD', `··${body.number.slice(-4)}`)],
    ['POST', /^\/api\/credentials\/(\w+)\/card$/, ({ ids, body }) => replaced(ids[0], 'CARD', `··${body.number.slice(-4)}`)],
    ['POST', /^\/api\/credentials\/(\w+)\/pin$/, ({ ids }) => ({ credential: replaced(ids[0], 'PIN', '······'), pin: '739164' })],
    ['POST', /^\/api\/credentials\/(\w+)\/withdraw$/, ({ ids }) => takeBack(ids[0])],
    ['POST', /^\/api\/desk\/couriers$/, () => paper(pass('pass_8', 'C0UR-13RX', 'courier', true, []))],
    ['GET', /^\/api\/privacy\/notices\/face_pass$/, () => notice],
    ['GET', /^\/api\/faces\/of$/, () => ({ ...faces })],
    ['POST', /^\/api\/faces\/consents$/, () => ({ ...Object.assign(faces, { consented_at: iso(now()) }) })],
    ['POST', /^\/api\/faces\/withdrawals$/, () => ({ ...Object.assign(faces, { consented_at: null, held: null }) })],
    ['POST', /^\/api\/faces\/enrolments$/, () => ({ ticket: 't1', side: 'LEFT', zh: '请慢慢向左转头，再转回来', en: 'Turn the head slowly to the left, then back', frames_least: 4, frames_most: 8, expires_at: iso(now() + 180_000) })],
    ['POST', /^\/api\/faces\/enrolments\/(\w+)\/pictures$/, () => ({ face: Object.assign(faces, { held: { id: 'face_1', enrolled_at: iso(now()), expires_at: iso(now() + 40 * HOUR) } }).held, pictures_kept: 0 })],
    ['GET', /^\/api\/faces\/holdings$/, () => ({ persons: 212, warn_at: 80_000, file_at: 100_000, duty: 'none', reached_on: null, file_by: null })],
    ['GET', /^\/api\/faces\/errors$/, () => gateFaces],
    ['POST', /^\/api\/faces\/errors$/, ({ body }) => ({ id: 1, ...body, told_by: me().username, told_at: iso(now()), note: '' })],
    ['GET', /^\/api\/faces\/reports$/, () => reports],
    ['GET', /^\/api\/terms$/, () => terms],
    ['GET', /^\/api\/terms\/(\w+)$/, ({ ids }) => terms.filter((one) => one.holder_kind === ids[0] && one.in_force_from)],
    ['GET', /^\/api\/weekly-hours$/, () => hours],
    ['GET', /^\/api\/health-orders$/, () => health],
    ['POST', /^\/api\/health-orders$/, ({ body }) => {
      const made = { id: `hp_${health.proposals.length + 1}`, ...body, asked_by: me().id, asked_at: iso(now()), answered_by: '', answered_at: null, accepted: false };
      health.proposals.unshift(made);
      return made;
    }],
    ['POST', /^\/api\/health-orders\/(\w+)\/approve$/, ({ ids }) => {
      const asked = health.proposals.find((one) => one.id === ids[0]);
      if (asked.asked_by === me().id) throw refuse(403, 'own_proposal', '提出人不得批准自己的申请。', 'Whoever asked for the public-health mode cannot also approve it.');
      Object.assign(asked, { answered_by: me().id, answered_at: iso(now()), accepted: true });
      const order = { ...asked, id: 'ho_1', approved_by: me().id, start: iso(now()), ended_at: null, purged_at: null, running: true };
      health.orders.unshift(order);
      health.on = true;
      return order;
    }],
    ['POST', /^\/api\/health-orders\/(\w+)\/decline$/, ({ ids }) => Object.assign(health.proposals.find((one) => one.id === ids[0]), { answered_by: me().id, answered_at: iso(now()) })],
    ['POST', /^\/api\/health-orders\/(\w+)\/end$/, ({ ids }) => {
      health.on = false;
      return Object.assign(health.orders.find((one) => one.id === ids[0]), { running: false, ended_at: iso(now()) });
    }],
    ['POST', /^\/mock\/alarm$/, () => {
      alarms.unshift({ id: alarms.length + 1, gate: 'G01', source: 'T01', kind: 'HELD_OPEN', words: '', began_at: iso(now()), ended_at: null, seen_by: '', seen_at: null });
      tell('alarm', { alarms: [{ gate: 'G01', source: 'T01', kind: 'HELD_OPEN', on: true, at: iso(now()), words: '' }], more: 0 });
    }],
  ];
};

function addProof(found, kind, label) {
  const made = { id: `cred_${kind}_${found.credentials.length + 2}`, pass_id: found.id, kind, label, live: true, version: 2, issued_at: iso(now()), ended_at: null };
  found.credentials.push(made);
  return made;
}
function replaced(id, kind, label) {
  const holder = [...passes.values()].find((found) => found.credentials.some((one) => one.id === id));
  takeBack(id);
  return addProof(holder, kind, label);
}
function takeBack(id) {
  for (const found of passes.values()) {
    const proof = found.credentials.find((one) => one.id === id);
    if (proof) return Object.assign(proof, { live: false });
  }
  return null;
}
