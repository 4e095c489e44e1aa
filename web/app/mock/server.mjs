/**
 * A pretend estate for working on the phone page without the server: `npm run build && npm run mock`.
 * Development only: everything lives in memory, codes are not signed, and nothing here is a rule of the estate.
 *
 * Tokens to try: OPEN (a family of three, two rooms), ONE (a single bed), FULL (all registered), SLOW (answers late),
 * anything else is a stranger. Numbers ending in 9 are held for the host, who confirms after 20 seconds.
 * A passport number OVERLAP1 is registered elsewhere. A picture below 2 kB is unreadable, one named *differs* differs.
 * POST /mock/offline?s=60 cuts the API for so many seconds; POST /mock/close?id=… ends a stay from outside.
 */
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkAnswer, guestAnswer, visitorAnswer } from './doors.mjs'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../dist/build/h5')
const CSP = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'"
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.gif': 'image/gif' }
const HOUR = 3_600_000
const CONFIRM_AFTER = 20_000

const rules = {
  version: '2.0',
  zh: ['晚上 22 点到早上 7 点请保持安静。', '垃圾分类投放在单元门口的收集点。', '不在楼道和阳台吸烟。', '只接待已登记的客人，访客 23 点前离开。', '离开前关好燃气、水和电。'],
  en: ['Please be quiet from 22:00 to 7:00.', 'Sort your rubbish; the bins stand at the entrance.', 'No smoking in the corridors or on the balconies.',
    'Registered guests only; visitors leave before 23:00.', 'Turn off gas, water and lights before you leave.'],
}
const notice = {
  version: '2025-06',
  zh: '谁：东方新城二期网约房登记点。\n为什么：依照《旅馆业治安管理办法》和《反恐怖主义法》登记住宿人员身份，并发放通行码。\n什么：姓名、性别、出生日期、证件种类和号码、国籍、住宿起止；未成年人还包括监护人联系方式。\n给谁：属地公安机关。\n保存多久：住宿登记 3 年，通行记录 90 天，证件照片读取后立即删除。\n您可以查询、更正，并可向登记点投诉。',
  en: 'Who: the registration point of Dongfang New Town, phase two.\nWhy: the law on lodging and the counter-terrorism law ask that guests are registered; and to make your pass.\nWhat: name, sex, birth date, document and number, nationality, dates of the stay; for minors also how to reach a guardian.\nTo whom: the local police.\nHow long: the registration 3 years, gate events 90 days, the picture of the document until it is read.\nYou may ask to see or correct your details, and may complain to the registration point.',
}

const bookings = { OPEN: booking('bkg_open', 3, twoRooms()), ONE: booking('bkg_one', 1, [oneBed()]), FULL: booking('bkg_full', 1, [oneBed()]), SLOW: booking('bkg_slow', 2, [oneBed()]) }
bookings.FULL.guests.push({ stay_id: 'stay_FULL0000', name_masked: '王*', state: 'IN_HOUSE' })
const stays = new Map()
const once = new Map()
let offlineUntil = 0

function booking(id, expected, rooms) {
  const arrive = new Date(Math.floor(Date.now() / HOUR) * HOUR)
  return { id, expected, rooms, guests: [], arrive_at: arrive.toISOString(), leave_at: new Date(+arrive + 42 * HOUR).toISOString() }
}
function twoRooms() {
  return [
    { id: 'room_a', label: 'R1', beds: [{ id: 'bed_a1', label: 'B1', free: true }, { id: 'bed_a2', label: 'B2', free: true }] },
    { id: 'room_b', label: 'R2', beds: [{ id: 'bed_b1', label: 'B1', free: true }, { id: 'bed_b2', label: 'B2', free: false }] },
  ]
}
function oneBed() {
  return { id: 'room_c', label: 'R1', beds: [{ id: 'bed_c1', label: 'B1', free: true }] }
}

function registrationView(it) {
  return {
    estate: { name_zh: '东方新城二期', name_en: 'Dongfang New Town II' }, host: { name: '陈女士', phone: null },
    unit: { label: 'DF2-07-2-1103-W1', address: '7幢2单元1103' },
    booking: { id: it.id, arrive_at: it.arrive_at, leave_at: it.leave_at, guests_expected: it.expected, guests_registered: it.guests.length, state: 'BOOKED' },
    rooms: it.rooms.map((room) => ({ ...room, places_free: room.beds.filter((bed) => bed.free).length })),
    guests: it.guests.map(({ stay_id, name_masked, state }) => ({ stay_id, name_masked, state: stays.get(stay_id)?.state ?? state })),
    house_rules: rules, notice,
  }
}

function problem(status, code, zh, en, field) {
  return { status, body: { type: `urn:linli:problem:${code}`, title: en, status, code, detail: en, message: { zh, en }, ...(field ? { field } : {}) } }
}

function register(it, body) {
  if (!body.native_name?.trim()) return problem(422, 'name_missing', '请填写姓名。', 'Please type the name.', 'native_name')
  if (/bad/i.test(body.native_name)) return problem(422, 'name_implausible', '姓名里有证件上不会出现的字符。', 'The name has characters no document has.', 'native_name')
  if (body.document?.number === 'OVERLAP1' && !body.overlap_reason) {
    return problem(409, 'already_staying', '同一证件在另一处入住中，请说明原因。', 'This document is in another stay at the same time; please say why.', undefined)
  }
  if (it.guests.length >= it.expected) return problem(409, 'booking_full', '预订人数已满。', 'Everyone on this booking is registered.')
  const bed = it.rooms.flatMap((room) => room.beds).find(({ id, free }) => id === body.bed_id && free)
  if (!bed) return problem(409, 'bed_taken', '这张床刚刚有人了，请另选一张。', 'That bed has just been taken; please choose another.', 'bed_id')
  bed.free = false
  const room = it.rooms.find(({ beds }) => beds.includes(bed))
  const number = body.document.number
  const stay = {
    id: `stay_${randomBytes(5).toString('hex').toUpperCase()}`, state: 'REGISTERED', level: 1, name_masked: `${body.native_name[0]}${'*'.repeat(2)}`,
    document_masked: `${number.slice(0, 2)}******${number.slice(-3)}`, unit: '7幢2单元1103', room: room.label, bed: bed.label, arrive_at: it.arrive_at, leave_at: it.leave_at,
    foreign: body.nationality !== 'CHN', minor: !!body.guardian, alone: !!body.guardian && !stays.has(body.guardian.in_same_stay), held: /9$/.test(number), at: Date.now(), receipt: null, looked: false,
  }
  stays.set(stay.id, stay)
  it.guests.push({ stay_id: stay.id, name_masked: stay.name_masked, state: stay.state })
  return { status: 201, body: { stay: stayView(stay), guest_token: `guest-${stay.id}` } }
}

function stayView(stay) {
  if (stay.looked && stay.level < 4 && Date.now() - stay.at > CONFIRM_AFTER) stay.level = 4
  const allowed = stay.level >= 2 && !((stay.held || stay.alone) && stay.level < 4)
  if (allowed && stay.state === 'REGISTERED') stay.state = 'VERIFIED'
  const out = stay.state === 'CHECKED_OUT'
  if (stay.state === 'VERIFIED' && stay.codesAt && Date.now() - stay.codesAt > 15_000) stay.state = 'IN_HOUSE'
  const reported = stay.state === 'IN_HOUSE' || out
  if (reported) stay.reportAt ??= Date.now()
  const accepted = stay.receipted = reported && Date.now() - stay.reportAt > 6_000
  return {
    id: stay.id, state: stay.state, level: stay.level, name_masked: stay.name_masked, document_masked: stay.document_masked, belongs: stay.foreign ? 'foreign' : 'mainland', minor: stay.minor, unit: stay.unit, room: stay.room, bed: stay.bed,
    arrive_at: stay.arrive_at, leave_at: stay.leave_at,
    decision: allowed
      ? { row: stay.foreign ? 11 : 1, result: 'allow', duties: ['report_now'], message: { zh: '可以入住。', en: 'Welcome in.' } }
      : { row: stay.alone ? 7 : 2, result: 'hold', duties: stay.alone ? ['minor_record', 'call_guardian'] : ['complete_identity'], message: { zh: '证件还没有核对。', en: 'Your document has not been checked yet.' } },
    access_pass: allowed ? { id: `pass_${stay.id}`, state: out ? 'REVOKED' : 'ACTIVE', start: new Date(Date.parse(stay.arrive_at) - 2 * HOUR).toISOString(), end: new Date(Date.parse(stay.leave_at) + 2 * HOUR).toISOString() } : null,
    doors: [
      { code: 'G01', kind: 'estate', name_zh: '小区南门（保和大道）', name_en: 'South gate, Baohe Avenue' },
      { code: 'G19', kind: 'entrance', name_zh: '7 幢 2 单元门', name_en: 'Building 7, entrance 2' },
    ],
    report: reported ? { state: accepted ? 'ACCEPTED' : 'PENDING', receipt: accepted ? 'CD25-0612-004417' : null } : null,
    next: out ? 'closed' : allowed ? 'show_code' : stay.alone || stay.level >= 2 ? 'wait_for_host' : 'register_document',
  }
}

function picture(stay, bytes, name) {
  const fields = ['native_name', 'number', 'birth_date', 'sex', 'nationality']
  stay.looked = true
  if (/differs/.test(name)) return { level: 1, matched: fields.slice(0, 1), mismatched: ['number'], unread: fields.slice(2), stay: stayView(stay) }
  if (bytes < 2_000) return { level: 1, matched: [], mismatched: [], unread: fields, stay: stayView(stay) }
  stay.level = Math.max(stay.level, 2)
  return { level: 2, matched: fields.slice(0, 4), mismatched: [], unread: fields.slice(4), stay: stayView(stay) }
}

function codes(stay, count) {
  stay.codesAt ??= Date.now()
  const window = Math.floor(Date.now() / 30_000) * 30_000
  const list = Array.from({ length: Math.min(count, 40) }, (_, place) => ({
    start: new Date(window + place * 30_000).toISOString(), end: new Date(window + (place + 1) * 30_000).toISOString(), code: randomBytes(90).toString('base64url'),
  }))
  return { codes: list, now: new Date().toISOString() }
}

async function answer(request, url, body) {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
  const route = `${request.method} ${url.pathname.replace(/^\/api/, '')}`
  const stranger = problem(401, 'token_unknown', '这个链接无效。', 'This link is not valid.')
  if (route.includes('/registration')) {
    const it = bookings[token]
    if (!it) return stranger
    if (token === 'SLOW') await new Promise((resolve) => setTimeout(resolve, 4_000))
    if (route === 'GET /registration') return { status: 200, body: registrationView(it) }
    const key = request.headers['idempotency-key']
    if (!key) return problem(400, 'idempotency_key_missing', '缺少 Idempotency-Key。', 'Idempotency-Key is missing.')
    if (!once.has(key)) once.set(key, register(it, JSON.parse(body.toString() || '{}')))
    return once.get(key)
  }
  const visited = visitorAnswer(route, token, body, codes)
  if (visited) return visited
  const stay = stays.get(token.replace(/^guest-/, ''))
  if (!stay) return stranger
  const door = guestAnswer(route, stay, body)
  if (door) return door
  const check = checkAnswer(request.method, url.pathname.replace(/^\/api/, ''), stay, body, () => stayView(stay))
  if (check) return check
  if (route === 'GET /stays/me/receipt') {
    return stay.receipted && stay.foreign ? { status: 200, pdf: Buffer.from('%PDF-1.4\n%%EOF\n') } : problem(409, 'not_receipted_yet', '尚无回执。', 'There is no receipt yet.')
  }
  if (route === 'GET /stays/me') return { status: 200, body: stayView(stay) }
  if (route === 'GET /stays/me/codes') {
    return stayView(stay).next === 'show_code' ? { status: 200, body: codes(stay, Number(url.searchParams.get('count') ?? 20)) } : problem(409, 'pass_not_valid', '通行码已失效。', 'This pass is no longer valid.')
  }
  if (route === 'POST /stays/me/document-picture') {
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    return { status: 200, body: picture(stay, body.length, /filename="([^"]*)"/.exec(body.toString('latin1'))?.[1] ?? '') }
  }
  if (route === 'POST /stays/me/check-out') {
    stay.state = 'CHECKED_OUT'
    return { status: 200, body: stayView(stay) }
  }
  return problem(404, 'not_found', '未找到。', 'Not found.')
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const send = (status, type, body) => response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': CSP, 'Cache-Control': 'no-store' }).end(body)
  if (url.pathname === '/mock/offline') {
    offlineUntil = Date.now() + Number(url.searchParams.get('s') ?? 60) * 1000
    return send(204, 'text/plain')
  }
  if (url.pathname === '/mock/look') {
    for (const stay of stays.values()) Object.assign(stay, { level: 4 })
    return send(204, 'text/plain')
  }
  if (url.pathname.startsWith('/api/')) {
    if (Date.now() < offlineUntil) return request.socket.destroy()
    const { status, body, pdf } = await answer(request, url, Buffer.concat(chunks))
    if (pdf) return send(status, 'application/pdf', pdf)
    return send(status, status < 400 ? 'application/json' : 'application/problem+json', JSON.stringify(body))
  }
  const path = normalize(decodeURIComponent(url.pathname)).replace(/^\/m\/?/, '') || 'index.html'
  const file = join(ROOT, path)
  if (!url.pathname.startsWith('/m') || !file.startsWith(ROOT) || !existsSync(file)) return send(404, 'text/plain', 'not here; try /m/#/pages/register/register?t=OPEN')
  return send(200, TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file))
})
server.listen(Number(process.env.MOCK_PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/m/#/pages/register/register?t=OPEN`)
})
