/**
 * Intake and house rules of the made-up estate: feeds, questions, lists, hooks, calendars; ways, rules, hours, holidays, contracts. Development only.
 * A list whose name holds "bad" has a conflict; a door that would know nothing but faces is refused.
 */
import { gates, now, units } from './estate.mjs';

const iso = (at) => new Date(at).toISOString();
const HOUR = 3_600_000;
const begun = now();
const unit = units.find((one) => one.state === 'ACTIVE');
const feeds = [
  { id: 'feed_1', unit_id: unit.id, unit_label: unit.label_zh, room_id: null, room_label: '', name: 'feed.example', url_masked: 'https://feed.example/…f7a1', takes: 'whole', state: 'ACTIVE', health: 'failing', every_minutes: 30, problem: 'http_503', failing_since: iso(begun - 3 * HOUR), failures: 6, tried_at: iso(begun), good_at: iso(begun - 3 * HOUR), next_at: iso(begun + HOUR), orders: 4, blocks: 1, open_tasks: 1, lines: [] },
];
const side = (from, to) => ({ arrive_at: iso(begun + from * HOUR), leave_at: iso(begun + to * HOUR), guests: 2 });
const tasks = [
  { id: 'task_1', kind: 'conflict', code: 'bed_taken', message: { zh: '渠道订单与本系统的预订争用同一床位，两者都已保留。', en: 'An order from a channel wants beds that are already let; both were kept.' }, operator_id: unit.operator_id, unit_id: unit.id, unit_label: unit.label_zh, feed: 'feed.example', ref: 'HM4K2-3', booking_id: 'bk_1', told: side(20, 44), ours: side(24, 48), registered: 1, times: 2, opened_at: iso(begun - HOUR), seen_at: iso(begun), state: 'open', choices: [{ choice: 'take', zh: '接收订单', en: 'Take the order in' }, { choice: 'keep', zh: '保持现状', en: 'Leave as it is' }], choice: '', closed_at: null, closed_by: '', note: '' },
];
const hooks = [];
const calendars = [];
const contracts = [];
let holidays = ['2026-10-01'];
const W = ['CODE', 'CARD', 'PIN', 'IDCARD', 'FACE'];
const rules = gates.map((gate) => ({ code: gate.code, version: 7, fail_mode: 'listed', max_age_s: 86_400, strike_s: 5, ways: [...W], area: 0, pairing: 'off', most_inside: 0, face_threshold: 550, face_margin: 50, face_frames: 3, face_gallery_cap: 200, face_head_turn: false, face_report: '' }));
const ORDER = ['FACE', 'CODE', 'CARD', 'PIN'];
const waysOf = (gate, place) => {
  const problems = place === 4 ? [{ code: 'NO_TABLE', holder_kind: 'cleaner' }] : [];
  const own = rules[place].ways;
  return {
    code: gate.code, kind: gate.kind, name_zh: gate.name_zh, name_en: gate.name_en, order: [...ORDER.filter((way) => own.includes(way)).map((way) => ({ way: way.toLowerCase(), kinds: [way] })), { way: 'guard', kinds: [] }],
    holders: [{ holder_kind: 'guest', ways: own, hours: 0, hours_zh: '', hours_en: '' }, { holder_kind: 'cleaner', ways: own.filter((way) => way !== 'FACE'), hours: 1, hours_zh: '日间', hours_en: 'Daytime' }], problems, sound: problems.length === 0,
  };
};
const page = (items) => ({ items, total: items.length, page: 1, size: 50 });
const lines = [
  { line: 2, ref: 'A-1', outcome: 'booked', booking_id: null, code: 'booked', zh: '将登记', en: 'would be booked', field: '', arrive_at: iso(begun + 20 * HOUR), leave_at: iso(begun + 44 * HOUR) },
  { line: 3, ref: 'A-2', outcome: 'conflict', booking_id: null, code: 'bed_taken', zh: '该床位在此期间已被预订。', en: 'That bed is already let for part of this period.', field: '', arrive_at: iso(begun + 20 * HOUR), leave_at: iso(begun + 68 * HOUR) },
];
let made = 0;

export const routes = ({ who, refuse }) => {
  const hookAnswer = (hook) => ({ hook, secret: `mock-secret-${++made}` });
  const of = (list, id) => list.find((one) => one.id === id) ?? (() => { throw refuse(404, 'not_found', '未找到该内容。', 'There is nothing here by that name.'); })();
  return [
    ['GET', /^\/api\/intake-tasks$/, ({ q }) => page(tasks.filter((one) => one.state === q.get('state')))],
    ['POST', /^\/api\/intake-tasks\/(\w+)\/answer$/, ({ ids, body }) => Object.assign(of(tasks, ids[0]), { state: 'closed', choice: body.choice, note: body.note, closed_at: iso(now()), closed_by: who().id })],
    ['GET', /^\/api\/feeds$/, () => page(feeds.filter((one) => one.state !== 'ENDED'))],
    ['POST', /^\/api\/feeds$/, ({ body }) => {
      if (/127\.|localhost/.test(body.url)) throw refuse(422, 'address_not_followed', '只能订阅公网 http 或 https 地址。', 'Only public http and https addresses are followed.', { field: 'url' });
      const { url, ...rest } = body;
      feeds.push({ ...feeds[0], ...rest, id: `feed_${feeds.length + 1}`, url_masked: `${url.split('/').slice(0, 3).join('/')}/…`, health: 'new', problem: '', failing_since: null, failures: 0, good_at: null, orders: 0, blocks: 0, open_tasks: 0, takes: 'whole' });
      return feeds.at(-1);
    }],
    ['POST', /^\/api\/feeds\/(\w+)\/(pause|resume|read|end)$/, ({ ids }) => Object.assign(of(feeds, ids[0]), { state: { pause: 'PAUSED', resume: 'ACTIVE', read: 'ACTIVE', end: 'ENDED' }[ids[1]] })],
    ['POST', /^\/api\/bookings\/feed\/preview$/, () => ({ rows: lines, booked: 1, problems: 1 })],
    ['GET', /^\/api\/hooks$/, () => hooks],
    ['POST', /^\/api\/hooks$/, ({ body }) => {
      const hook = { id: `hook_${hooks.length + 1}`, ...body, path: `/api/hooks/hook_${hooks.length + 1}`, made_at: iso(now()), rotated_at: null, old_secret_ends_at: null, ended_at: null };
      hooks.push(hook);
      return hookAnswer(hook);
    }],
    ['POST', /^\/api\/hooks\/(\w+)\/rotate$/, ({ ids }) => hookAnswer(Object.assign(of(hooks, ids[0]), { rotated_at: iso(now()) }))],
    ['POST', /^\/api\/hooks\/(\w+)\/end$/, ({ ids }) => hooks.splice(hooks.indexOf(of(hooks, ids[0])), 1)[0]],
    ['GET', /^\/api\/calendars$/, () => calendars],
    ['POST', /^\/api\/calendars$/, ({ body }) => {
      calendars.push({ id: `cal_${calendars.length + 1}`, unit_id: body.unit_id, unit_label: of(units, body.unit_id).label_zh, room_id: body.room_id, room_label: '', name: body.name, path: `/api/calendars/mock-key-${calendars.length + 1}.ics`, made_at: iso(now()), revoked_at: null });
      return calendars.at(-1);
    }],
    ['POST', /^\/api\/calendars\/(\w+)\/revoke$/, ({ ids }) => Object.assign(of(calendars, ids[0]), { revoked_at: iso(now()) })],
    ['GET', /^\/api\/gates\/ways$/, () => gates.map(waysOf)],
    ['GET', /^\/api\/gates\/rules$/, () => rules],
    ['PATCH', /^\/api\/gates\/(\w+)\/rules$/, ({ ids, body }) => {
      if (body.ways?.join() === 'FACE') throw refuse(422, 'face_only', '不能只有人脸。', 'Not by face alone.');
      return Object.assign(rules.find((one) => one.code === ids[0]), body);
    }],
    ['POST', /^\/api\/terms\/(\w+)$/, ({ ids, body }) => ({ holder_kind: ids[0], decided_by: who().id, ...body })],
    ['PUT', /^\/api\/weekly-hours\/(\d+)$/, ({ ids, body }) => ({ number: Number(ids[0]), ...body })],
    ['GET', /^\/api\/holidays$/, () => holidays],
    ['PUT', /^\/api\/holidays$/, ({ body }) => { holidays = body.days; return holidays; }],
    ['GET', /^\/api\/dwellings$/, () => ({ ...page([{ id: unit.dwelling_id ?? 'dw_1', code: '07-2-1103', label_zh: '7幢2单元1103', label_en: 'Building 7, entrance 2, 1103' }]) })],
    ['GET', /^\/api\/desk\/contracts$/, () => contracts],
    ['POST', /^\/api\/desk\/contracts$/, ({ body }) => {
      const granted = { id: `pass_c${contracts.length + 1}`, number: 'ST4F-F2KQ', holder_kind: body.holder_kind, state: 'ACTIVE', start: iso(now()), end: body.until };
      contracts.push({ contract: body.contract, holder_id: body.holder_id, dwelling_id: body.dwelling_id ?? null, granted });
      return granted;
    }],
    ['POST', /^\/api\/desk\/contracts\/end$/, ({ body }) => {
      const gone = contracts.filter((one) => one.contract === body.contract).length;
      contracts.splice(0, contracts.length, ...contracts.filter((one) => one.contract !== body.contract));
      return { passes: gone };
    }],
  ];
};
