import { expect, it } from 'vitest';
import { asPage, readEvents, stayDetail, unitDetail, unitRow } from '../src/api/adapt';
import { registrationPath } from '../src/api/linli';

it('a list without a total is a page that may have another after it', () => {
  expect(asPage([1, 2], 1, 50)).toEqual({ items: [1, 2], total: 2, page: 1, size: 50 });
  expect(asPage([1, 2], 1, 2).total).toBeNull();
  expect(asPage([1], 3, 2).total).toBeNull();
  expect(asPage({ items: [1], total: 9, page: 2, size: 1 }, 2, 50)).toMatchObject({ total: 9, size: 1 });
});

it('a unit counts its rooms and beds, whether it came as a row or whole', () => {
  const raw = {
    id: 'unit_1', code: 'U1', label_zh: '1栋1单元101', state: 'SUSPENDED', reason: '噪声', may: ['resume'],
    rooms: [{ room_id: 'room_1', label: 'R1', beds: [{ bed_id: 'bed_1', label: 'B1' }, { bed_id: 'bed_2', label: 'B2' }] }],
  };
  expect(unitRow(raw)).toMatchObject({ label: { zh: '1栋1单元101', en: '1栋1单元101' }, rooms: 1, beds: 2 });
  expect(unitDetail(raw)).toMatchObject({ reason: '噪声', may: ['resume'], rooms: [{ id: 'room_1', beds: [{ id: 'bed_1' }, { id: 'bed_2' }] }] });
  expect(unitDetail({ ...raw, state: 'ACTIVE' }).reason).toBeNull();
  expect(unitRow({ ...raw, label_en: 'Bldg 1', rooms: 3, beds: 5 })).toMatchObject({ label: { en: 'Bldg 1' }, rooms: 3, beds: 5 });
});

it('a stay’s trail holds what the server dates, and no more', () => {
  const raw = { id: 's', state: 'AUTO_CLOSED', level: 2, name_masked: '王*', unit: 'x', arrive_at: 'a', leave_at: 'b', checked_in_at: 'c', checked_out_at: 'd' };
  expect(stayDetail(raw).trail).toEqual([{ state: 'IN_HOUSE', at: 'c' }, { state: 'AUTO_CLOSED', at: 'd' }]);
  expect(stayDetail({ ...raw, checked_in_at: null, checked_out_at: null }).trail).toEqual([]);
});

it('the pass is found under either name', () => {
  const raw = { id: 's', state: 'VERIFIED', level: 2, name_masked: '王*', unit: 'x', arrive_at: 'a', leave_at: 'b' };
  const held = { id: 'pass_1', state: 'ACTIVE', start: 'a', end: 'b' };
  expect(stayDetail({ ...raw, access_pass: held }).pass).toEqual(held);
  expect(stayDetail({ ...raw, pass: held }).pass).toEqual(held);
  expect(stayDetail(raw).pass).toBeNull();
});

it('a batch of gate events is read, and what is no passage is left out', () => {
  const good = { gate: 'G01', sequence: 4, happened_at: '2025-06-30T12:00:00Z', opened: 1, reason: 5, method: 'CODE', direction: 'in' };
  expect(readEvents({ events: [good, { gate: 'G01' }, null, 'x', { ...good, happened_at: 'noon' }] })).toEqual([
    { gate: 'G01', sequence: 4, happened_at: '2025-06-30T12:00:00Z', opened: false, reason: '', method: 'CODE', direction: 'in', late: false },
  ]);
  expect(readEvents(good)).toHaveLength(1);
  expect(readEvents({})).toEqual([]);
});

it('a registration link carries its token whole', () => {
  expect(registrationPath('a:b+c/d')).toBe('/m/#/pages/register/register?t=a%3Ab%2Bc%2Fd');
});
