import { expect, it } from 'vitest';
import { asPage, readEvents, stayDetail, unitDetail, unitRow } from '../src/api/adapt';
import { registrationPath } from '../src/api/linli';
import type { RawStay, RawUnit } from '../src/api/shapes';

const UNIT: RawUnit = {
  id: 'unit_1', code: 'U1', label_zh: '1栋1单元101', label_en: '', state: 'SUSPENDED', reason: '噪声', may: ['resume'], mark_code: null, max_occupancy: 4,
  operator_id: 'op_1', operator_name: '张某', dwelling_id: 'dw_1', dwelling_code: 'D1', entrance_id: 'ent_1', trail: [],
  rooms: [{ room_id: 'room_1', label: 'R1', mode: 'bed', max_occupancy: 2, beds: [{ bed_id: 'bed_1', label: 'B1' }, { bed_id: 'bed_2', label: 'B2' }] }],
};
const STAY: RawStay = {
  id: 'stay_1', booking_id: 'book_1', unit_id: 'unit_1', state: 'AUTO_CLOSED', identity: 'DOC_CHECKED', level: 2, name_masked: '王*', document_masked: '510***12',
  unit: '1栋1单元101', room: 'R1', bed: 'B1', minor: false, belongs: 'mainland', arrive_at: 'a', leave_at: 'b', registered_at: 'r', checked_in_at: 'c',
  checked_out_at: 'd', decision: { row: 1, result: 'allow', duties: [], message: { zh: '', en: '' } }, access_pass: null, report: null, next: 'closed',
};

it('a list without a total is a page that may have another after it', () => {
  expect(asPage([1, 2], 1, 50)).toEqual({ items: [1, 2], total: 2, page: 1, size: 50 });
  expect(asPage([1, 2], 1, 2).total).toBeNull();
  expect(asPage([1], 3, 2).total).toBeNull();
  expect(asPage({ items: [1], total: 9, page: 2, size: 1 }, 2, 50)).toMatchObject({ total: 9, size: 1 });
});

it('a whole unit counts its rooms and beds, and an English name that is missing is the Chinese one', () => {
  expect(unitDetail(UNIT)).toMatchObject({
    label: { zh: '1栋1单元101', en: '1栋1单元101' }, beds: 2, may: ['resume'], rooms: [{ id: 'room_1', beds: [{ id: 'bed_1' }, { id: 'bed_2' }] }],
  });
  expect(unitRow({ ...UNIT, label_en: 'Building 1', rooms: 3, beds: 5 })).toMatchObject({ label: { en: 'Building 1' }, rooms: 3, beds: 5 });
});

it('why a unit stands still is told only while it does', () => {
  expect(unitDetail(UNIT).reason).toBe('噪声');
  expect(unitDetail({ ...UNIT, state: 'ACTIVE' }).reason).toBe('');
});

it('a stay’s trail holds what the server dates, and no more', () => {
  expect(stayDetail(STAY).trail.map((step) => step.state)).toEqual(['REGISTERED', 'IN_HOUSE', 'AUTO_CLOSED']);
  expect(stayDetail({ ...STAY, state: 'CHECKED_OUT' }).trail.at(-1)?.state).toBe('CHECKED_OUT');
  expect(stayDetail({ ...STAY, checked_in_at: null, checked_out_at: null }).trail).toEqual([{ state: 'REGISTERED', at: 'r' }]);
});

it('a batch of gate events is read, and what is no passage is left out', () => {
  const good = { gate: 'G01', sequence: 4, happened_at: '2025-06-30T12:00:00Z', opened: 1, reason: 5, method: 'CODE', direction: 'in' };
  expect(readEvents({ events: [good, { gate: 'G01' }, null, 'x', { ...good, happened_at: 'noon' }] })).toEqual([
    { gate: 'G01', sequence: 4, happened_at: '2025-06-30T12:00:00Z', opened: false, reason: '', method: 'CODE', direction: 'in', late: false },
  ]);
  expect(readEvents({})).toEqual([]);
});

it('a registration link carries its token whole', () => {
  expect(registrationPath('a:b+c/d')).toBe('/m/#/pages/register/register?t=a%3Ab%2Bc%2Fd');
});
