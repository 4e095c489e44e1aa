/**
 * The doors of the pretend estate: a face with its notice and receipts, a PIN, visitors, a face check with the document. Development only.
 * A front picture below 1.5 kB has no face in it, nor agrees with any document; three gates of 51 confirm a removal late.
 */
import { randomBytes } from 'node:crypto'

const HOUR = 3_600_000
const GATES = Array.from({ length: 51 }, (_, place) => `G${String(place + 1).padStart(2, '0')}`)
const LATE_MS = 5_000
const notice = {
  purpose: 'face_pass', version: '1', digest: 'd'.repeat(64),
  zh: '目的：仅用于打开您本来就可以打开的门。\n方式：采集一张正面照片和转头照片，转换为加密的特征数字，照片立即删除。\n必要性与影响：并非必需；二维码、卡、密码和值班人员在同样时间打开同样的门。\n保存：最迟至退房；撤回后立即从服务器和每道门删除，并逐门确认。\n权利：随时撤回，不说明理由，不影响任何其他事项。',
  en: 'Purpose: only to open the doors that are yours to open anyway.\nHow: one picture ahead and pictures of a turn of your head are made into encrypted numbers; the pictures are deleted at once.\nNeed and effect: it is not needed; code, card, PIN and guard open the same doors at the same hours.\nKept: until check-out at the latest; taken back, it goes from the server and every gate at once, and each confirms.\nYour rights: take it back at any time, without a reason and without any other effect.',
}
const visitorNotice = {
  zh: '目的：核对来访人员并发放临时通行码。\n内容：姓名、电话。\n保存：访问结束后 30 天。\n您可以查询、更正和投诉。',
  en: 'Purpose: to know who visits and to give a code for the time.\nWhat: name and phone.\nKept: 30 days after the visit.\nYou may ask to see, correct and complain.',
}
const checkNotice = {
  purpose: 'face_verification', version: '1', digest: 'c'.repeat(64),
  zh: '目的：仅用于核对您是否为所登记证件的持有人。\n方式：一张照片连同证件信息发送给人脸AI能力层比对一次，照片不保存。\n必要性与影响：并非必需；出示证件，或由房东、门卫当面核对，同样有效。\n权利：随时撤回，不说明理由。',
  en: 'Purpose: only to compare whether you hold the document you registered.\nHow: one picture goes with the document to the face layer, is compared once and not kept.\nNeed and effect: it is not needed; your document, the host or the guard serve just as well.\nYour rights: take it back at any time, without a reason.',
}
const otherWays = [
  { key: 'document', zh: '拍摄或读取身份证件。', en: 'Photograph your document, or lay it on the reader.' },
  { key: 'eye', zh: '请房东或门卫当面核对本人和证件。', en: 'Show yourself and your document to the host or the guard.' },
]
const OUTCOMES = {
  CONFIRMED: { zh: '已经本人同意通过核验服务确认身份。照片未保存。', en: 'Your identity was confirmed by the verification service with your consent. The picture was not kept.' },
  ANOTHER_WAY: { zh: '这次没有确认成功，请用其他方式。这不影响您入住，照片未保存。', en: 'This could not be confirmed this time: another way, please. Your stay is not affected, and the picture was not kept.' },
}
const checks = new Map()
const visits = new Map()
const faces = new Map()
const iso = (at) => new Date(at).toISOString()
const refuse = (status, code, zh, en) => ({ status, body: { type: `urn:linli:problem:${code}`, title: en, status, code, detail: en, message: { zh, en } } })
const ok = (body, status = 200) => ({ status, body })

const faceOf = (stay) => faces.get(stay.id) ?? faces.set(stay.id, { consentedAt: null, held: null, removed: [], ticket: '' }).get(stay.id)

function mine(stay) {
  const face = faceOf(stay)
  return {
    offered: !stay.minor, guardian_under: stay.minor ? 18 : null, consented_at: face.consentedAt, held: face.held,
    removed: face.removed.map(({ at, ...one }) => {
      const receipts = GATES.map((gate, place) => ({ gate, box: 'box_1', concerned: true, version: 9, applied_at: null, receipted_at: place % 17 === 5 && Date.now() - at < LATE_MS ? null : iso(at + 300 + place * 7) }))
      const receipted = receipts.filter((one) => one.receipted_at).length
      return { ...one, gates: GATES.length, receipted, seconds: receipted === GATES.length ? 0.7 : null, receipts }
    }),
  }
}

function enrol(face, ticket, body) {
  if (!face.consentedAt || face.ticket !== ticket) return refuse(409, 'enrolment_over', '该次采集已过期、已完成或不属于您，请重新开始。', 'This enrolment is over or was somebody else\'s; please begin again.')
  face.ticket = ''
  const parts = (body.toString('latin1').match(/name="frames"/g) ?? []).length
  if (parts < 4) return refuse(422, 'frame_count', '请提交 4 至 8 张转头照片。', 'Please send 4 to 8 pictures of the turn.')
  if (body.length / (parts + 1) < 1_500) return refuse(422, 'face_unusable', '不能使用：没有看到人脸。', 'This does not do: there is no face in the picture.')
  face.held = { id: `face_${randomBytes(6).toString('hex')}`, pass_id: 'pass_1', model: 'mock', quality: [], enrolled_at: iso(Date.now()), expires_at: iso(Date.now() + 66 * HOUR), version: 8 }
  return ok({ face: face.held, pictures_kept: 0 })
}

/** This will answer about comparing a face with a document, or null when it is something else. */
export function checkAnswer(method, path, stay, body, view) {
  const check = checks.get(stay.id) ?? checks.set(stay.id, { consentedAt: null, tries: 5, last: null }).get(stay.id)
  const state = () => ({
    available: true, needed: view().next === 'register_document' || view().next === 'wait_for_host', speaker: stay.minor ? 'guardian' : 'self', notice: checkNotice,
    consented_at: check.consentedAt, tries_left: check.tries, last_outcome: check.last, other_ways: otherWays,
  })
  const own = new RegExp(`^/stays/${stay.id}/face-check(/consent)?$`).exec(path)
  if (!own) return null
  if (method === 'GET') return ok(state())
  if (method === 'DELETE') {
    check.consentedAt = null
    return ok(state())
  }
  if (own[1]) {
    const told = JSON.parse(body.toString())
    if (Object.keys(told).join() !== 'notice_digest' || told.notice_digest !== checkNotice.digest) return refuse(409, 'notice_outdated', '告知书已更新。', 'The notice has changed.')
    check.consentedAt = iso(Date.now())
    return ok(state())
  }
  if (!check.consentedAt) return refuse(409, 'face_check_consent_needed', '人脸核验须先取得单独同意；不同意也可以用其他方式入住。', 'A face is compared only after a separate yes to exactly that; every other way stays open without one.')
  check.tries -= 1
  check.last = body.length < 1_500 ? 'ANOTHER_WAY' : 'CONFIRMED'
  if (check.last === 'CONFIRMED') stay.level = 4
  return ok({ check_id: 'fchk_1', outcome: check.last, ...OUTCOMES[check.last], other_ways: check.last === 'CONFIRMED' ? [] : otherWays, tries_left: check.tries, verdict: null, score: null, pictures_kept: 0, stay: view() })
}

/** This will answer a guest's question of the doors, or null when it is none. */
export function guestAnswer(route, stay, body) {
  const face = faceOf(stay)
  const json = () => JSON.parse(body.toString() || '{}')
  if (route === 'GET /privacy/notices/face_pass') return ok(notice)
  if (route === 'GET /faces/mine') return ok(mine(stay))
  if (route === 'POST /faces/consents') {
    if (json().notice_digest !== notice.digest) return refuse(409, 'notice_outdated', '告知书已更新。', 'The notice has changed.')
    face.consentedAt = iso(Date.now())
    return ok(mine(stay))
  }
  if (route === 'DELETE /faces/mine') {
    if (face.held) face.removed.unshift({ id: face.held.id, removed_at: iso(Date.now()), why: 'withdrawn', version: 9, at: Date.now() })
    Object.assign(face, { held: null, consentedAt: null })
    return ok(mine(stay))
  }
  if (route === 'POST /faces/enrolments') {
    face.ticket = randomBytes(8).toString('hex')
    return ok({ ticket: face.ticket, side: 'LEFT', zh: '请慢慢向左转头，再转回来', en: 'Turn your head slowly to the left, then back', frames_least: 4, frames_most: 8, expires_at: iso(Date.now() + 180_000) }, 201)
  }
  const pictures = /^POST \/faces\/enrolments\/(\w+)\/pictures$/.exec(route)
  if (pictures) return enrol(face, pictures[1], body)
  if (route === 'POST /faces/errors') return ok({ id: 1, ...json(), told_by: 'guest', told_at: iso(Date.now()), note: '', sequence: null }, 201)
  if (route === 'GET /passes/mine') return ok({ number: 'K7M4-Q2XD', ways: ['FACE', 'CODE', 'CARD', 'PIN'], pin: true })
  if (route === 'POST /passes/mine/pin') return ok({ pin: '482915' })
  if (route === 'GET /visits') return ok([...visits.values()].filter((one) => one.host === stay.id).map(hostView))
  if (route === 'POST /visits') {
    const visit = { id: `visit_${randomBytes(5).toString('hex')}`, host: stay.id, state: 'INVITED', start: json().start, end: json().end, name: '', token: `visit-${randomBytes(6).toString('hex')}` }
    visits.set(visit.token, visit)
    return ok({ visit: hostView(visit), token: visit.token }, 201)
  }
  const gone = /^POST \/visits\/(\w+)\/withdraw$/.exec(route)
  const visit = gone && [...visits.values()].find((one) => one.id === gone[1])
  if (visit) {
    visit.state = 'WITHDRAWN'
    return ok(hostView(visit))
  }
  return null
}

const hostView = (visit) => ({
  id: visit.id, state: visit.state, host_kind: 'guest', where: '7幢2单元', start: visit.start, end: visit.end, name_masked: visit.name ? `${visit.name[0]}*` : '', phone_masked: '',
  pass_number: visit.state === 'ACCEPTED' ? 'H3TR-9WKP' : '', invited_at: iso(Date.now()), answered_at: null,
})

const invitedView = (visit) => ({
  state: visit.state, estate_zh: '东方新城二期', estate_en: 'Dongfang New Town II', where: '7幢2单元', start: visit.start, end: visit.end,
  pass_number: visit.state === 'ACCEPTED' ? 'H3TR-9WKP' : '', notice_zh: visitorNotice.zh, notice_en: visitorNotice.en, notice_digest: 'v'.repeat(64),
})

/** This will answer whoever holds the link of an invitation, or null when the token is none of those. */
export function visitorAnswer(route, token, body, codes) {
  const visit = visits.get(token)
  if (!visit) return null
  if (route === 'GET /visits/mine') return ok(invitedView(visit))
  if (route === 'POST /visits/mine/accept') {
    if (visit.state === 'WITHDRAWN') return refuse(409, 'visit_over', '该邀请已撤回或已结束。', 'This invitation was withdrawn or is over.')
    Object.assign(visit, { state: 'ACCEPTED', name: JSON.parse(body.toString()).name })
    return ok(invitedView(visit))
  }
  if (route === 'GET /visits/mine/codes') return visit.state === 'ACCEPTED' ? ok(codes(visit, 20)) : refuse(409, 'visit_over', '该邀请已撤回或已结束。', 'This invitation was withdrawn or is over.')
  return null
}
