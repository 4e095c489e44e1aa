/**
 * A made-up estate for working on the console without a server: the true sizes, the contract's shapes, nobody real.
 * Deterministic but for the clock. Development only.
 */
const seeded = (seed) => () => {
  seed = (seed * 1664525 + 1013904223) % 4294967296;
  return seed / 4294967296;
};
const random = seeded(20210611);
const pick = (list) => list[Math.floor(random() * list.length)];
const id = (prefix, n) => `${prefix}_01J${String(n).padStart(23, '0')}`;

const SURNAMES = [...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗'];
const FOREIGN = ['S***** L*', 'M**** D*****', 'A** K**', 'J*** S****'];
const UNIT_STATES = ['DRAFT', 'SUBMITTED', 'CHECKED', 'CODED', 'SUSPENDED', 'CLOSED'];

export const estate = { id: 'est_1', name_zh: '东方新城二期', name_en: 'Dongfang New Town II' };
export const now = () => Date.now();
const HOUR = 3_600_000;
const iso = (at) => new Date(at).toISOString();

/** The estate's midnight before an instant, in milliseconds; Chengdu has no summer time. */
export const midnight = (at) => Math.floor((at + 8 * HOUR) / (24 * HOUR)) * 24 * HOUR - 8 * HOUR;

export const gates = Array.from({ length: 51 }, (_, index) => {
  const n = index + 1;
  const entrance = n - 7;
  const code = `G${String(n).padStart(2, '0')}`;
  const [building, stair] = [Math.floor(entrance / 3) + 1, (entrance % 3) + 1];
  const names = n <= 4
    ? [['东门', 'East gate'], ['南门', 'South gate'], ['西门', 'West gate'], ['北门', 'North gate']][n - 1]
    : n <= 6 ? [`车库${n - 4}号口`, `Garage ${n - 4}`] : [`${building}栋${stair}单元`, `Building ${building}, entrance ${stair}`];
  const online = ![13, 29].includes(n);
  return {
    code, name_zh: names[0], name_en: names[1], kind: n <= 4 ? 'estate' : n <= 6 ? 'garage' : 'entrance', box: 'box_1', groups: [n], online,
    last_seen_at: iso(now() - (online ? 4000 : 83 * 60_000)), version: 4712 - (n === 21 ? 2 : online ? 0 : 37), behind: n === 21 ? 2 : online ? 0 : 37,
  };
});

export const units = Array.from({ length: 895 }, (_, index) => {
  const n = index + 1;
  const rooms = 3 + (n % 3) + (n % 17 === 0 ? 1 : 0);
  const number = `${(index % 30) + 1}0${(index % 4) + 1}`;
  const code = `D${String((index % 15) + 1).padStart(2, '0')}-${(index % 3) + 1}-${number}`;
  return {
    id: id('unit', n), code, label_zh: `${(index % 15) + 1}栋${(index % 3) + 1}单元${number}`, label_en: `Building ${(index % 15) + 1}, entrance ${(index % 3) + 1}, ${number}`, mark_code: `51010${8_000_000 + n}`,
    state: index < 40 ? UNIT_STATES[index % 6] : 'ACTIVE', reason: index % 6 === 4 ? '夜间噪声三次投诉' : '', max_occupancy: rooms + 2, trail: [], may: [],
    operator_id: id('op', (index % 550) + 1), operator_name: `${pick(SURNAMES)}${pick(['某', '某某'])}${index % 5 === 0 ? '民宿经营部' : ''}`,
    rooms: Array.from({ length: rooms }, (_unused, room) => ({
      room_id: id('room', n * 10 + room), label: `R${room + 1}`, mode: room % 3 === 0 ? 'bed' : 'room', max_occupancy: room % 3 === 0 ? 2 : 1 + (room % 2),
      beds: Array.from({ length: room % 3 === 0 ? 2 : 1 }, (_none, bed) => ({ bed_id: id('bed', (n * 10 + room) * 4 + bed), label: `B${bed + 1}` })),
    })),
  };
});

const said = (zh, en) => ({ zh, en });
const DECISIONS = {
  11: { row: 11, result: 'allow', duties: ['report_foreign_24h'], message: said('护照核验通过，可以入住。', 'The passport is verified; welcome.') },
  1: { row: 1, result: 'allow', duties: ['report_now'], message: said('身份已核验，可以入住。', 'Identity is verified; welcome.') },
  7: { row: 7, result: 'hold', duties: ['minor_record', 'call_guardian'], message: said('十六、十七周岁独自入住，需先联系监护人。', 'A guest of 16 or 17 alone: the house must first reach the guardian.') },
  2: { row: 2, result: 'hold', duties: ['complete_identity'], message: said('身份尚未核验，请拍摄证件，或由房东、门卫当面核对。', 'Identity is not verified yet: photograph the document, or show it to the host or the guard.') },
  6: { row: 6, result: 'allow', duties: ['minor_record', 'no_face_enrolment'], message: said('未成年人登记完成，可以入住。', 'The young guest is registered; welcome.') },
};

const tonight = midnight(now());
const letting = units.filter((unit) => unit.state === 'ACTIVE');

export const stays = Array.from({ length: 1380 }, (_, index) => {
  const n = index + 1;
  const unit = letting[(index * 7) % letting.length];
  const room = unit.rooms[index % unit.rooms.length];
  const foreign = n % 11 === 0;
  const minor = n % 23 === 0 || n === 4;
  const state = n <= 40 ? 'REGISTERED' : n <= 260 ? 'VERIFIED' : n <= 1210 ? 'IN_HOUSE' : n <= 1340 ? 'CHECKED_OUT' : n <= 1362 ? 'NO_SHOW' : n <= 1372 ? 'CANCELLED' : 'AUTO_CLOSED';
  const arrive = tonight + (12 + (index % 11)) * HOUR + (index % 4) * 15 * 60_000;
  const came = ['IN_HOUSE', 'CHECKED_OUT', 'AUTO_CLOSED'].includes(state);
  const report = !came ? 'NONE' : n % 97 === 0 ? 'PARKED' : n % 131 === 0 ? 'REJECTED' : n % 29 === 0 ? 'PENDING' : n % 41 === 0 ? 'QUEUED' : 'ACCEPTED';
  return {
    id: id('stay', n), booking_id: id('bk', Math.ceil(n / 2)), unit, room, bed: room.beds[0], foreign, minor, state, report, arrive, arrive_at: iso(arrive),
    leave_at: iso(tonight + (36 + 24 * (index % 3)) * HOUR), kind: foreign ? 'foreign' : n % 31 === 0 ? 'hmt' : 'mainland', level: state === 'REGISTERED' ? n % 2 : 2 + (n % 3),
    guest_masked: foreign ? pick(FOREIGN) : `${pick(SURNAMES)}*${n % 2 ? '' : '*'}`, checked_in_at: came ? iso(arrive + 20 * 60_000) : null,
  };
});

export const stayRow = (stay) => ({
  id: stay.id, booking_id: stay.booking_id, unit_label: stay.unit.code, room_label: stay.room.label.slice(1), bed_label: stay.bed?.label.slice(1) ?? null, guest_masked: stay.guest_masked,
  kind: stay.kind, minor: stay.minor, state: stay.state, level: stay.level, arrive_at: stay.arrive_at, leave_at: stay.leave_at, checked_in_at: stay.checked_in_at, report_state: stay.report,
});

export const stayView = (stay) => ({
  id: stay.id, booking_id: stay.booking_id, unit_id: stay.unit.id, state: stay.state, identity: stay.level >= 4 ? 'PERSON_MATCHED' : stay.level >= 2 ? 'DOC_CHECKED' : 'SELF_DECLARED',
  level: stay.level, name_masked: stay.guest_masked, document_masked: stay.foreign ? 'L*****03' : '510***********12', unit: stay.unit.label_zh, room: stay.room.label, bed: stay.bed?.label ?? null,
  minor: stay.minor, belongs: stay.kind, arrive_at: stay.arrive_at, leave_at: stay.leave_at, registered_at: iso(stay.arrive - 5 * HOUR), checked_in_at: stay.checked_in_at,
  checked_out_at: stay.state === 'CHECKED_OUT' ? iso(now() - HOUR) : null,
  decision: stay.minor && stay.state === 'REGISTERED' ? DECISIONS[7] : stay.level < 2 ? DECISIONS[2] : stay.minor ? DECISIONS[6] : stay.foreign ? DECISIONS[11] : DECISIONS[1],
  access_pass: stay.level >= 2 ? { id: id('pass', 1), state: stay.state === 'CHECKED_OUT' ? 'REVOKED' : 'ACTIVE', start: iso(stay.arrive - 2 * HOUR), end: stay.leave_at } : null,
  report: stay.report === 'NONE' ? null : { state: stay.report, receipt: stay.report === 'ACCEPTED' ? 'LY202511240001938' : '', due_at: iso(stay.arrive + (stay.foreign ? 24 : 3) * HOUR) },
  next: 'show_code',
});

export const reports = stays.filter((stay) => stay.report !== 'NONE').map((stay, index) => ({
  id: id('rep', index + 1), kind: index % 19 === 0 ? 'CHECK_OUT' : 'CHECK_IN', platform: index % 3 === 1 ? 'community' : 'lodging', subject_kind: 'stay', subject_id: stay.id, unit_label: stay.unit.code, state: stay.report,
  queued_at: iso(now() - (index % 90) * 60_000), overdue: null, attempts: stay.report === 'PARKED' ? 8 : stay.report === 'QUEUED' ? 0 : 1, due_at: iso(now() + ((index * 7) % 170 - 20) * 60_000),
  receipt: stay.report === 'ACCEPTED' ? `LY2025112400${String(index).padStart(5, '0')}` : null,
  code: stay.report === 'REJECTED' ? 'E1131' : null, field: stay.report === 'REJECTED' ? 'zjhm' : null,
  ...(stay.report === 'REJECTED'
    ? { reason: 'refused_by_platform', says: said('平台退回：证件号码 510104199001011234 与姓名不符。', 'Refused: number 510104199001011234 does not go with the name.'), owner: 'operator' }
    : stay.report === 'PARKED'
      ? { reason: 'not_understood', says: said('平台无法识别报文，请联系技术人员。', 'The platform cannot read the message at all.'), owner: 'office' } : { reason: null, says: null, owner: null }),
}));

export const bookings = Array.from({ length: 420 }, (_, index) => {
  const unit = letting[(index * 7) % letting.length];
  const arrive = tonight + 15 * HOUR + 24 * HOUR * (index % 5);
  const expected = 1 + (index % 4);
  return {
    id: id('bk', index + 1), unit_id: unit.id, unit_label: unit.label_zh, channel: ['operator', 'api', 'csv'][index % 3], channel_ref: null, booker_masked: `${SURNAMES[index % 20]}**`,
    arrive_at: iso(arrive), leave_at: iso(arrive + (1 + (index % 3)) * 24 * HOUR - 3 * HOUR), guests_expected: expected, guests_registered: index % (expected + 1),
    beds: ['R1-B1', 'R2-B1'].slice(0, 1 + (index % 2)), state: index % 37 === 0 ? 'CANCELLED' : index % 41 === 0 ? 'NO_SHOW' : 'BOOKED',
  };
});

const REFUSALS = ['EXPIRED', 'WRONG_DOOR', 'REVOKED', 'NOT_YET', 'STALE_CODE', 'REPLAYED', 'UNREADABLE', 'NOT_ON_LIST'];
let sequence = 0;
export function passage(at) {
  const refused = random() < 0.12;
  const out = !refused && random() < 0.35;
  const gate = random() < 0.5 ? pick(gates.slice(0, 6)) : pick(gates);
  sequence += 1;
  return {
    gate: gate.code, sequence, happened_at: iso(at), method: out ? 'EXIT' : random() < 0.03 ? 'GUARD' : 'CODE', direction: out ? 'out' : 'in', opened: !refused,
    reason: refused ? pick(REFUSALS) : out ? 'EXIT' : 'OK', late: random() < 0.03,
  };
}
export const events = Array.from({ length: 160 }, (_, index) => passage(now() - index * 11_000 - Math.floor(random() * 9000)));

export const tally = (rows, key) => rows.reduce((sum, row) => ({ ...sum, [row[key]]: (sum[row[key]] ?? 0) + 1 }), {});

// What stands is told too: a door, a device and a flat have no stay to open.
for (const [index, [kind, subject]] of [['DOOR', 'door'], ['DEVICE', 'device'], ['UNIT_UPDATE', 'unit'], ['VISITOR_IN', 'visit'], ['PASSAGE', 'passage'], ['STAFF', 'staff'], ['RESIDENT', 'resident']].entries()) {
  reports.unshift({
    id: id('rep', 90_000 + index), kind, platform: kind === 'DEVICE' ? 'viid' : 'community', subject_kind: subject, subject_id: id(subject, index), unit_label: subject === 'unit' ? units[50].code : '',
    state: 'ACCEPTED', queued_at: iso(now() - index * 1000), overdue: null, attempts: 1, due_at: iso(now() + 72 * HOUR), receipt: `5101080000701${index}`, code: null, field: null, reason: null, says: null, owner: null,
  });
}
