/** The links to the authorities in the pretend estate: switches, accounts, peers, a night and its questions, and what is read under watch. */
import * as made from './estate.mjs';

const HOUR = 3_600_000;
const iso = (ago) => new Date(Date.now() - ago).toISOString();
const id = (prefix, n) => `${prefix}_01J${String(n).padStart(23, '0')}`;
const day = (ago) => new Date(Date.now() + 8 * HOUR - ago * 24 * HOUR).toISOString().slice(0, 10);
const said = (zh, en) => ({ zh, en });

const idle = { paused_at: null, paused_by: null, pause_reason: null, failing_since: null, failing_with: null };
const links = [
  { platform: 'community', ...idle, waiting: 4 },
  { platform: 'lodging', ...idle, failing_since: iso(17 * 60_000), failing_with: 'UNREACHABLE', waiting: 37 },
  { platform: 'viid', ...idle, waiting: 0 },
];
const operator = made.units[50].operator_id;
const accounts = [{ platform: 'ses_hospedajes', operator_id: operator, username: 'demo-ses', party_code: '0000001234', set_at: iso(80 * HOUR) }];
const peers = [{
  id: id('vpeer', 1), device_id: '51010800005030000001', name: '武侯视图库', side: 'up', url: 'https://view.example', username: 'linli', dialect: 'mixed-LC',
  state: 'STALE', registered_at: iso(5 * HOUR), kept_alive_at: iso(400_000), offset_ms: -1800, failures: 3, enabled: true,
}];
const orders = [{
  id: id('vsub', 1), peer_id: id('vpeer', 1), peer_name: '武侯视图库', number: '510107000000032025112411000000000', details: ['3', '4'], begins_at: iso(5 * HOUR), ends_at: iso(-25 * 24 * HOUR),
  state: 'ACTIVE', reason: '与街面设备联网', sent_at: iso(5 * HOUR), answer: 'ACCEPTED', answer_code: null, notices: 12, noticed_at: iso(3 * 60_000), unwanted: 0,
}];
const peerDevices = [
  { peer_id: id('vpeer', 1), peer_name: '武侯视图库', number: '51010700001190000001', name: '东街路口', online: true, changed_at: iso(5 * HOUR), told_at: iso(3 * 60_000) },
  { peer_id: id('vpeer', 1), peer_name: '武侯视图库', number: '51010700001190000002', name: '西街路口', online: false, changed_at: iso(HOUR), told_at: iso(3 * 60_000) },
];

const flats = made.units.slice(50, 56);
const even = { booked: 2, registered: 2, entered: 2, due: 2, reported: 2, receipted: 2 };
const unitCount = (unit, changed) => ({ unit_id: unit.id, unit_label: unit.code, ...even, counted: 2, even: true, ...changed });
const sum = (units, name) => units.reduce((all, unit) => all + unit[name], 0);
function platformNight(platform, known, units) {
  const [booked, registered, entered, due, reported, receipted] = ['booked', 'registered', 'entered', 'due', 'reported', 'receipted'].map((name) => sum(units, name));
  return {
    platform, counted_at: iso(2 * HOUR), known, booked, registered, entered, due, reported, receipted, counted: known ? sum(units, 'counted') : null, silent: due - reported,
    differences: units.filter((unit) => !unit.even).length, questions_open: 0, units,
  };
}
const nights = new Map([[day(1), [
  platformNight('lodging', true, flats.map((unit, n) => unitCount(unit, n === 0 ? { registered: 3, even: false } : n === 1 ? { receipted: 1, even: false } : {}))),
  platformNight('community', null, flats.map((unit) => unitCount(unit, { counted: null }))),
  platformNight('ses_hospedajes', false, flats.map((unit) => unitCount(unit, { counted: null }))),
]]]);
const nightView = (date) => {
  const platforms = nights.get(date) ?? [];
  return { date, counted_at: platforms[0]?.counted_at ?? null, differences: platforms.reduce((all, one) => all + one.differences, 0), questions_open: questions.filter((one) => one.state === 'OPEN' && one.night === date).length, platforms };
};

const blank = { night: day(1), state: 'OPEN', answer: null, answered_by: null, answered_at: null, settled_at: null, settled_says: null };
const questions = [
  {
    ...blank, id: id('ques', 1), platform: 'lodging', unit_id: flats[1].id, unit_label: flats[1].code, kind: 'receipt', ours: 2, theirs: 1, owner: 'office', asked_at: iso(26 * HOUR), due_at: iso(2 * HOUR),
    says: said(`${flats[1].code} 已报送 2 位客人，取得回执 1 份，请核对。`, `${flats[1].code}: 2 guests reported, 1 receipts. What holds the others up?`),
  },
  {
    ...blank, id: id('ques', 2), platform: null, unit_id: flats[0].id, unit_label: flats[0].code, kind: 'gate', ours: 4, theirs: 3, owner: `operator:${operator}`, asked_at: iso(4 * HOUR), due_at: iso(-20 * HOUR),
    says: said(`${flats[0].code} 已登记 3 位客人，凭该房源通行授权进入 4 人，是否有人未登记？请核对。`, `${flats[0].code}: 3 registered, 4 let in on this flat's passes. Is anybody not registered?`),
  },
  {
    ...blank, id: id('ques', 3), platform: 'lodging', night: day(3), unit_id: flats[2].id, unit_label: flats[2].code, kind: 'counted', ours: 2, theirs: 3, owner: 'office', asked_at: iso(70 * HOUR), due_at: iso(46 * HOUR), state: 'SETTLED',
    says: said(`${flats[2].code} 有 2 位客人已取得回执，平台记载 3 位，请核对。`, `${flats[2].code}: 2 guests with a receipt, 3 in the platform's books. Which is right?`),
    settled_at: iso(60 * HOUR), settled_says: said('经核对已一致，自动办结。', 'The figures are even now; settled by itself.'),
  },
];

const hits = [
  { id: id('hit', 1), platform: 'lodging', subject_kind: 'stay', subject_id: made.stays[300].id, person_id: id('per', 41), told_at: iso(40 * 60_000), read_at: null },
  { id: id('hit', 2), platform: 'lodging', subject_kind: 'visit', subject_id: id('visit', 7), person_id: id('per', 42), told_at: iso(30 * HOUR), read_at: iso(29 * HOUR) },
];
const disclosures = [{
  message_id: 'rep_01J-1', recipient: 'lodging platform (旅综)', purpose: 'lodging_registration', legal_basis: '旅馆业治安管理办法 art. 6', fields: ['xm', 'zjlx', 'zjhm', 'rzsj', 'fjh'], disclosed_at: iso(20 * HOUR),
}];
let anotherWay = made.stays.slice(1, 3).map((stay, n) => ({
  stay_id: stay.id, unit: stay.unit.code, room: stay.room.label, guest_masked: stay.guest_masked, asked_at: iso((4 + 9 * n) * 60_000),
  zh: '请用其他方式核验：查看证件，或当面核对。', en: 'Another way, please: look at the document, or at guest and document together.',
}));
const stillWaits = (one) => made.stays.find((stay) => stay.id === one.stay_id)?.state === 'REGISTERED';

const exchange = (number, verdict, more = {}) => ({ number, message_id: 'rep_01J-1', asked: false, verdict, status: 200, code: null, dialect: 'sichuan-1', seconds: 0.21, ended_at: iso(60_000), ...more });

export function routes({ who, refuse, tell }) {
  const role = () => who().roles[0].role;
  const only = (...roles) => {
    if (!roles.includes(role())) throw refuse(403, 'not_allowed', '您没有权限执行此操作。', 'You may not do this here.');
  };
  const watches = () => only('estate_admin', 'office', 'police', 'auditor');
  const findLink = (platform) => {
    const found = links.find((link) => link.platform === platform);
    if (found) return found;
    links.push({ platform, ...idle, waiting: 0 });
    return links.at(-1);
  };
  const owned = (one) => (one.owner === 'office' ? ['office', 'estate_admin'].includes(role()) : who().roles[0].scope === one.owner);
  const seen = () => questions.filter((one) => role() !== 'operator' || owned(one));
  return [
    ['GET', /^\/api\/links$/, () => { watches(); return links; }],
    ['POST', /^\/api\/links\/(\w+)\/pause$/, ({ ids, body }) => { only('estate_admin'); Object.assign(findLink(ids[0]), { paused_at: iso(0), paused_by: who().id, pause_reason: body.reason }); }],
    ['POST', /^\/api\/links\/(\w+)\/resume$/, ({ ids }) => { only('estate_admin'); Object.assign(findLink(ids[0]), { paused_at: null, paused_by: null, pause_reason: null }); }],
    ['GET', /^\/api\/links\/accounts$/, () => { only('office', 'estate_admin', 'operator'); return accounts; }],
    ['PUT', /^\/api\/links\/(\w+)\/accounts\/(\w+)$/, ({ ids, body }) => {
      const kept = { platform: ids[0], operator_id: ids[1], username: body.username, party_code: body.party_code, set_at: iso(0) };
      const at = accounts.findIndex((one) => one.platform === ids[0] && one.operator_id === ids[1]);
      if (at >= 0) accounts.splice(at, 1);
      accounts.push(kept);
      return kept;
    }],
    ['DELETE', /^\/api\/links\/(\w+)\/accounts\/(\w+)$/, ({ ids }) => { accounts.splice(accounts.findIndex((one) => one.platform === ids[0] && one.operator_id === ids[1]), 1); }],
    ['GET', /^\/api\/operators$/, ({ q }) => {
      const all = [...new Map(made.units.map((unit) => [unit.operator_id, { id: unit.operator_id, name: unit.operator_name, closed_at: null }])).values()];
      const mine = role() === 'operator' ? all.filter((one) => one.id === operator) : all;
      const items = mine.filter((one) => one.name.includes(q.get('q') ?? ''));
      return { items: items.slice(0, 50), total: items.length, page: 1, size: 50 };
    }],
    ['GET', /^\/api\/operators\/(\w+)$/, ({ ids }) => ({ id: ids[0], name: made.units.find((unit) => unit.operator_id === ids[0])?.operator_name ?? '', closed_at: null })],
    ['GET', /^\/api\/viid\/peers$/, () => { only('estate_admin', 'office', 'auditor'); return peers; }],
    ['POST', /^\/api\/viid\/peers$/, ({ body: { secret: _never, ...peer } }) => {
      if (peers.some((one) => one.device_id === peer.device_id)) throw refuse(409, 'peer_known', '该编号的对端已经登记。', 'A peer with this number is already known here.');
      peers.push({ id: id('vpeer', peers.length + 1), ...peer, state: 'OFFLINE', registered_at: null, kept_alive_at: null, offset_ms: null, failures: 0, enabled: true });
      return peers.at(-1);
    }],
    ['PATCH', /^\/api\/viid\/peers\/(\w+)$/, ({ ids, body: { secret: _never, ...change } }) => Object.assign(peers.find((one) => one.id === ids[0]), change)],
    ['GET', /^\/api\/links\/viid\/orders$/, () => { only('estate_admin', 'office', 'auditor'); return orders; }],
    ['GET', /^\/api\/links\/viid\/devices$/, () => { only('estate_admin', 'office', 'auditor'); return peerDevices; }],
    ['POST', /^\/api\/links\/viid\/orders$/, ({ body }) => {
      only('estate_admin', 'office');
      orders.unshift({
        ...orders[0], id: id('vsub', orders.length + 1), number: `51010700000003202511241100000000${orders.length}`, ...body, peer_name: peers.find((one) => one.id === body.peer_id).name,
        begins_at: iso(0), state: 'ORDERED', sent_at: null, answer: null, notices: 0, noticed_at: null,
      });
      return orders[0];
    }],
    ['POST', /^\/api\/links\/viid\/orders\/(\w+)\/cancel$/, ({ ids }) => { only('estate_admin', 'office'); return Object.assign(orders.find((one) => one.id === ids[0]), { state: 'CANCELLING' }); }],
    ['POST', /^\/api\/reports\/replay$/, ({ body }) => {
      const stuck = made.reports.filter((row) => row.reason === body.reason);
      for (const row of stuck) Object.assign(row, { state: 'QUEUED', reason: null, says: null, code: null, field: null });
      return { replayed: stuck.length };
    }],
    ['GET', /^\/api\/reports\/(\w+)$/, ({ ids }) => {
      const report = made.reports.find((row) => row.id === ids[0]);
      return {
        report, message_id: `${report.id}-1`, fields: ['xm', 'zjhm'], happened_at: iso(HOUR), accepted_at: report.receipt ? iso(60_000) : null,
        exchanges: [exchange(1, 'NO_ANSWER', { status: null, dialect: null, seconds: 5 }), exchange(2, report.state === 'REJECTED' ? 'REJECTED' : 'ACCEPTED', { asked: true, code: report.code })],
      };
    }],
    ['GET', /^\/api\/reconciliations$/, ({ q }) => { watches(); return nightView(q.get('date')); }],
    ['POST', /^\/api\/reconciliations$/, ({ body }) => {
      only('office', 'estate_admin');
      if (body.date > day(0)) throw refuse(422, 'night_not_yet', '该夜尚未开始，入夜之后方可核对。', 'That night has not begun; it can be counted when guests have slept in it.');
      if (!nights.has(body.date)) nights.set(body.date, [platformNight('lodging', true, flats.map((unit) => unitCount(unit, {})))]);
      return nightView(body.date);
    }],
    ['GET', /^\/api\/questions$/, ({ q }) => {
      const mine = seen().filter((one) => !q.get('date') || one.night === q.get('date'));
      const of = (state) => mine.filter((one) => one.state === state).length;
      const counts = { open: of('OPEN'), answered: of('ANSWERED'), settled: of('SETTLED'), overdue: mine.filter((one) => one.state === 'OPEN' && one.due_at < iso(0)).length };
      const items = role() === 'police' ? [] : mine.filter((one) => !q.get('state') || one.state === q.get('state'));
      return { items, counts, total: items.length, page: 1, size: 50 };
    }],
    ['POST', /^\/api\/questions\/(\w+)\/answer$/, ({ ids, body }) => {
      const question = questions.find((one) => one.id === ids[0]);
      if (!owned(question)) throw refuse(403, 'not_allowed', '您没有权限执行此操作。', 'You may not do this here.');
      return Object.assign(question, { state: 'ANSWERED', answer: body.text, answered_by: who().id, answered_at: iso(0) });
    }],
    ['POST', /^\/api\/police\/hits$/, () => {
      only('police');
      const told = hits.map((hit) => ({ ...hit }));
      for (const hit of hits) hit.read_at ??= iso(0);
      return told;
    }],
    ['POST', /^\/api\/disclosures$/, ({ body }) => { only('estate_admin', 'auditor'); return body.person_id === id('per', 41) ? disclosures : []; }],
    ['GET', /^\/api\/stays\/(\w+)\/standing$/, ({ ids }) => {
      const stay = made.stays.find((one) => one.id === ids[0]);
      const came = stay.checked_in_at !== null;
      const words = said('平台的说明', 'What the platform says');
      return [
        { platform: 'lodging', state: came ? (stay.report === 'NONE' ? 'QUEUED' : stay.report) : 'NOT_DUE', since: stay.checked_in_at, due_at: came ? iso(-HOUR) : null, overdue: false, receipt: stay.report === 'ACCEPTED' ? 'LY202511240001938' : null, owner: null, says: words },
        { platform: 'community', state: came ? 'ACCEPTED' : 'NOT_DUE', since: stay.checked_in_at, due_at: null, overdue: false, receipt: came ? '51010800007010001104' : null, owner: null, says: words },
        { platform: 'viid', state: 'NOT_WANTED', since: null, due_at: null, overdue: false, receipt: null, owner: null, says: said('该平台不接收此类信息。', 'This platform does not ask to be told.') },
      ];
    }],
    ['GET', /^\/api\/stays\/(\w+)\/receipt$/, ({ ids }) => {
      const stay = made.stays.find((one) => one.id === ids[0]);
      if (stay.report !== 'ACCEPTED') throw refuse(409, 'not_receipted_yet', '尚无回执。', `There is no receipt yet: the report of this stay is ${stay.report}.`);
      return Buffer.from('%PDF-1.7\n%%EOF\n');
    }],
    ['GET', /^\/api\/face-checks\/another-way$/, () => { only('office', 'guard', 'operator'); return anotherWay.filter(stillWaits); }],
    // Development only: one more guest who wants somebody to look.
    ['POST', /^\/api\/mock\/another-way$/, () => {
      const stay = made.stays[5];
      anotherWay = [{ ...anotherWay[0], stay_id: stay.id, unit: stay.unit.code, room: stay.room.label, guest_masked: stay.guest_masked, asked_at: iso(0) }, ...anotherWay];
      tell('another_way', {});
    }],
  ];
}
