/**
 * A tiny API for working on the console: `npm run mock` (MOCK_PORT, default a free port), then open the printed address.
 * It follows the contract's shapes, serves the built console at /console/ with the server's content security policy, and
 * keeps everything in memory. Any password but "wrong" signs in; the user name is the role: office, guard, operator, police…
 * Five wrong ones lock for a minute. POST /mock/cut cuts every live stream; POST /mock/cut?for=20 keeps them cut.
 * Development only: nothing here is shipped.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as doors from './doors.mjs';
import * as made from './estate.mjs';
import * as intake from './intake.mjs';
import * as links from './links.mjs';

const BUILT = join(dirname(fileURLToPath(import.meta.url)), '../../../src/linli/server/fronts/console');
const CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const PAGE = 50;

let who = null;
let failures = 0;
let lockedUntil = 0;
let cutUntil = 0;
const streams = new Set();

class Refused extends Error {
  constructor(status, code, zh, en, more = {}) {
    super(en);
    Object.assign(this, { status, body: { type: `urn:linli:problem:${code}`, title: en, status, code, detail: en, message: { zh, en }, ...more } });
  }
}
const missing = () => new Refused(404, 'not_found', '未找到该内容。', 'There is nothing here by that name.');
const find = (list, id) => list.find((one) => one.id === id) ?? (() => { throw missing(); })();
const paged = (rows, page) => ({ items: rows.slice((page - 1) * PAGE, page * PAGE), total: rows.length, page, size: PAGE });
const holds = (text, ...fields) => !text || fields.some((field) => String(field ?? '').toLowerCase().includes(text.toLowerCase()));

function overview() {
  if (who.roles[0].role === 'operator') throw new Refused(403, 'not_allowed', '您没有权限执行此操作。', 'You may not do this here.');
  const states = made.tally(made.stays, 'state');
  const gone = (states.CHECKED_OUT ?? 0) + (states.AUTO_CLOSED ?? 0);
  return {
    estate: made.estate, date: new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10), operators: 550, units: 895, rooms: 3627, beds: 5248, gates: 51, now: new Date().toISOString(),
    tonight: {
      booked: 1536, registered: made.stays.length - (states.CANCELLED ?? 0), verified: (states.VERIFIED ?? 0) + (states.IN_HOUSE ?? 0) + gone,
      in_house: states.IN_HOUSE ?? 0, left: gone, no_show: states.NO_SHOW ?? 0,
    },
    reports: made.tally(made.reports, 'state'), gates_online: made.gates.filter((gate) => gate.online).length, gates_offline: made.gates.filter((gate) => !gate.online).length,
    passages_today: 18_342 + made.events.length,
  };
}

function startSession({ username, password }) {
  const left = Math.ceil((lockedUntil - Date.now()) / 1000);
  if (left > 0) throw Object.assign(new Refused(429, 'sign_in_locked', '登录失败次数过多，请在 1 分钟后再试，或联系社区办公室。', 'Too many failed sign-ins; please try again in 1 minutes or ask the office.', { details: { minutes: 1 } }), { wait: left });
  if (password === 'wrong') {
    failures += 1;
    if (failures >= 5) lockedUntil = Date.now() + 60_000;
    throw new Refused(401, 'sign_in_wrong', '用户名或密码错误。', 'User name or password is wrong.');
  }
  failures = 0;
  const role = ['estate_admin', 'property', 'committee', 'guard', 'police', 'auditor', 'operator'].includes(username) ? username : 'office';
  who = { id: `acct_01J${String(username.length).padStart(23, '0')}`, username, display_name: username, roles: [{ role, scope: role === 'operator' ? `operator:${made.units[50].operator_id}` : '*' }] };
  return who;
}

function changeStay(id, change) {
  const stay = find(made.stays, id);
  change(stay);
  tell('stay', { id: stay.id, state: stay.state });
  return made.stayView(stay);
}

const UNIT_STEPS = { submit: 'SUBMITTED', check: 'CHECKED', code: 'CODED', activate: 'ACTIVE', suspend: 'SUSPENDED', resume: 'ACTIVE', close: 'CLOSED' };
const mine = (unit) => who.roles[0].role !== 'operator' || unit.operator_id === who.roles[0].scope.slice(9);

/** As the server does it: the steps that lead on, for whoever may take them. */
const STEPS_FROM = { DRAFT: ['submit', 'close'], SUBMITTED: ['check', 'close'], CHECKED: ['code', 'close'], CODED: ['activate', 'close'], ACTIVE: ['suspend', 'close'], SUSPENDED: ['resume', 'close'] };
const ALLOWED = { office: null, estate_admin: null, operator: ['submit', 'close'], property: ['check'], police: ['check'] };
function unitFile(unit) {
  const role = who.roles[0].role;
  const mayTake = role in ALLOWED ? ALLOWED[role] : [];
  return { ...unit, may: (STEPS_FROM[unit.state] ?? []).filter((verb) => !mayTake || mayTake.includes(verb)) };
}

function book(body) {
  const unit = find(made.units, body.unit_id);
  if (body.booker.name === 'taken') throw new Refused(409, 'bed_taken', '该床位在此期间已被预订。', 'That bed is already let for part of this period.');
  const booking = {
    id: `bk_01J${String(made.bookings.length + 1).padStart(23, '0')}`, unit_id: unit.id, unit_label: unit.label_zh, channel: 'form', channel_ref: null, booker_masked: `${body.booker.name.slice(0, 1)}**`,
    arrive_at: body.arrive_at, leave_at: body.leave_at, guests_expected: body.guests_expected, guests_registered: 0, beds: [], state: 'BOOKED',
  };
  made.bookings.unshift(booking);
  return { booking, registration_token: TOKEN };
}

const TOKEN = 'eyJpZCI6ImJvb2tfMDFKIiwiYXQiOjE3NTEyNzA0MDB9:1uWxYz:c2lnbmF0dXJlLW9mLWEtbGluaw';
const FEED = [
  { line: 2, ref: 'HM4K2-1@feed.example', outcome: 'booked', booking_id: 'book_1', code: 'booked', zh: '已登记', en: 'booked' },
  { line: 3, ref: 'HM4K2-2@feed.example', outcome: 'unchanged', booking_id: 'book_2', code: 'unchanged', zh: '无变化', en: 'unchanged' },
  { line: 4, ref: 'HM4K2-3@feed.example', outcome: 'conflict', booking_id: null, code: 'bed_taken', zh: '该床位在此期间已被预订。', en: 'That bed is already let for part of this period.' },
  { line: 5, ref: 'block-9@feed.example', outcome: 'block', booking_id: null, code: 'block', zh: '屏蔽日期，不是订单', en: 'blocked dates, not an order' },
];

const ROUTES = [
  ...intake.routes({ who: () => who, refuse: (...facts) => new Refused(...facts) }),
  ...doors.routes({ who: () => who, refuse: (...facts) => new Refused(...facts), tell: (event, data) => tell(event, data) }),
  ...links.routes({ who: () => who, refuse: (...facts) => new Refused(...facts), tell: (event, data) => tell(event, data) }),
  ['GET', /^\/api\/session$/, () => who],
  ['POST', /^\/api\/session$/, ({ body }) => startSession(body)],
  ['DELETE', /^\/api\/session$/, () => { who = null; }],
  ['GET', /^\/api\/overview$/, () => overview()],
  ['GET', /^\/api\/stays$/, ({ q }) => paged(made.stays.filter((stay) => mine(stay.unit) && (!q.get('state') || stay.state === q.get('state')) && (!q.get('kind') || stay.kind === q.get('kind'))
    && (!q.get('unit') || stay.unit.id === q.get('unit')) && holds(q.get('text'), stay.guest_masked, stay.unit.code, stay.unit.label_zh)).map(made.stayRow), Number(q.get('page') ?? 1))],
  ['GET', /^\/api\/stays\/([^/]+)$/, ({ ids }) => made.stayView(find(made.stays, ids[0]))],
  ['POST', /^\/api\/stays\/([^/]+)\/eye-check$/, ({ ids }) => changeStay(ids[0], (stay) => { stay.level = 4; stay.state = 'VERIFIED'; })],
  ['POST', /^\/api\/stays\/([^/]+)\/guardian-call$/, ({ ids, body }) => changeStay(ids[0], (stay) => { if (body.answer === 'confirmed') stay.state = 'VERIFIED'; })],
  ['POST', /^\/api\/stays\/([^/]+)\/check-in$/, ({ ids }) => changeStay(ids[0], (stay) => { stay.state = 'IN_HOUSE'; stay.report = 'QUEUED'; stay.checked_in_at = new Date().toISOString(); })],
  ['POST', /^\/api\/stays\/([^/]+)\/check-out$/, ({ ids }) => changeStay(ids[0], (stay) => { stay.state = 'CHECKED_OUT'; })],
  ['POST', /^\/api\/stays\/([^/]+)\/move$/, ({ ids, body }) => changeStay(ids[0], (stay) => { stay.room = stay.unit.rooms.find((room) => room.room_id === body.room_id); stay.bed = stay.room.beds.find((bed) => bed.bed_id === body.bed_id); })],
  ['GET', /^\/api\/gates$/, () => made.gates],
  ['GET', /^\/api\/gate-events$/, ({ q }) => made.events.filter((event) => !q.get('gate') || event.gate === q.get('gate')).slice(0, Number(q.get('limit') ?? 50))],
  ['POST', /^\/api\/stream-ticket$/, () => ({ ticket: Math.random().toString(36).slice(2) })],
  ['GET', /^\/api\/reports$/, ({ q }) => paged(made.reports.filter((row) => (!q.get('state') || row.state === q.get('state')) && (!q.get('platform') || row.platform === q.get('platform'))), Number(q.get('page') ?? 1))],
  ['POST', /^\/api\/reports\/([^/]+)\/replay$/, ({ ids }) => Object.assign(find(made.reports, ids[0]), { state: 'QUEUED', reason: null, says: null, code: null, field: null })],
  ['GET', /^\/api\/units$/, ({ q }) => paged(made.units.filter((unit) => mine(unit) && (!q.get('state') || unit.state === q.get('state')) && holds(q.get('q'), unit.code, unit.label_zh, unit.operator_name)), Number(q.get('page') ?? 1))],
  ['GET', /^\/api\/units\/([^/]+)$/, ({ ids }) => unitFile(find(made.units, ids[0]))],
  ['POST', /^\/api\/units\/([^/]+)\/(\w+)$/, ({ ids, body }) => Object.assign(find(made.units, ids[0]), { state: UNIT_STEPS[ids[1]], reason: body.reason ?? '', ...(body.mark_code ? { mark_code: body.mark_code } : {}) })],
  ['GET', /^\/api\/bookings$/, ({ q }) => paged(made.bookings.filter((row) => row.arrive_at < dayEnd(q.get('date')) && row.leave_at > dayStart(q.get('date'))), Number(q.get('page') ?? 1)).items],
  ['POST', /^\/api\/bookings$/, ({ body }) => book(body)],
  ['POST', /^\/api\/bookings\/feed$/, () => ({ rows: FEED, booked: 1, problems: 1 })],
  ['GET', /^\/api\/bookings\/([^/]+)\/link$/, () => ({ registration_token: TOKEN })],
  ['POST', /^\/api\/bookings\/([^/]+)\/cancel$/, ({ ids }) => Object.assign(find(made.bookings, ids[0]), { state: 'CANCELLED' })],
  ['POST', /^\/api\/bookings\/([^/]+)\/no-show$/, ({ ids }) => Object.assign(find(made.bookings, ids[0]), { state: 'NO_SHOW' })],
  ['POST', /^\/api\/bookings\/([^/]+)\/extend$/, ({ ids, body }) => Object.assign(find(made.bookings, ids[0]), { leave_at: body.leave_at })],
];
const dayStart = (day) => new Date(`${day}T00:00:00+08:00`).toISOString();
const dayEnd = (day) => new Date(Date.parse(`${day}T00:00:00+08:00`) + 86_400_000).toISOString();

function answer(response, status, body, headers = {}) {
  const kind = status >= 400 ? 'application/problem+json; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(body === undefined ? 204 : status, { 'Content-Type': kind, 'Set-Cookie': 'csrftoken=mock; Path=/; SameSite=Lax', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function tell(event, data) {
  for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function openStream(response) {
  if (Date.now() < cutUntil) return response.destroy();
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': hello\n\n');
  streams.add(response);
  response.on('close', () => streams.delete(response));
  return response;
}

function cut(q) {
  cutUntil = Date.now() + Number(q.get('for') ?? 0) * 1000;
  for (const stream of streams) stream.destroy();
  streams.clear();
}

function serveFile(path, response) {
  const file = normalize(join(BUILT, path === '/console/' ? 'index.html' : path.slice('/console/'.length)));
  if (!file.startsWith(BUILT) || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end('Run `npm run build` first.');
    return;
  }
  response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP });
  createReadStream(file).pipe(response);
}

async function handle(request, response) {
  const url = new URL(request.url, 'http://mock');
  if (url.pathname.startsWith('/console/')) return serveFile(url.pathname, response);
  if (url.pathname === '/mock/cut') return answer(response, 204, cut(url.searchParams));
  if (url.pathname === '/mock/forget') return answer(response, 204, void (who = null));
  if (url.pathname === '/api/stream/console') return openStream(response);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const isJson = (request.headers['content-type'] ?? '').startsWith('application/json');
  const body = isJson && chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : {};
  if (!who && url.pathname.startsWith('/api/') && !url.pathname.startsWith('/api/session')) throw new Refused(401, 'sign_in_needed', '请先登录。', 'Please sign in first.');
  if (request.method !== 'GET' && url.pathname.startsWith('/api/') && request.headers['x-csrftoken'] !== 'mock') throw new Refused(403, 'csrf', '请求未通过校验，请刷新页面。', 'The request could not be verified; reload the page.');
  for (const [method, pattern, act] of ROUTES) {
    const found = method === request.method && pattern.exec(url.pathname);
    if (!found) continue;
    const said = act({ ids: found.slice(1), q: url.searchParams, body });
    if (Buffer.isBuffer(said)) return response.writeHead(200, { 'Content-Type': 'application/pdf' }).end(said);
    return answer(response, 200, said);
  }
  throw missing();
}

const server = createServer((request, response) => {
  handle(request, response).catch((trouble) => {
    if (trouble instanceof Refused) answer(response, trouble.status, trouble.body, trouble.wait ? { 'Retry-After': String(trouble.wait) } : {});
    else answer(response, 500, { title: String(trouble), status: 500, code: 'internal' });
  });
});

setInterval(() => {
  const event = made.passage(Date.now());
  made.events.unshift(event);
  tell('gate', { events: [event] });
}, Number(process.env.MOCK_PACE ?? 1200)).unref();
setInterval(() => { for (const stream of streams) stream.write(': beat\n\n'); }, 15_000).unref();
server.listen(Number(process.env.MOCK_PORT ?? 0), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/console/\n`);
});
