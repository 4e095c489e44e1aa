import { expect, it } from 'vitest';
import type { RoomView } from '../src/api/shapes';
import { asBooking, complaintsAbout, placesChosen, toggleBed, toggleRoom, type Draft } from '../src/booking';

const ROOMS: RoomView[] = [
  { id: 'room_1', label: 'R1', mode: 'room', max_occupancy: 3, beds: [{ id: 'bed_1', label: 'B1' }, { id: 'bed_2', label: 'B2' }] },
  { id: 'room_2', label: 'R2', mode: 'bed', max_occupancy: 1, beds: [{ id: 'bed_3', label: 'B1' }] },
];
const draft = (more: Partial<Draft> = {}): Draft => ({
  unitId: 'unit_1', rooms: ['room_1'], beds: [], arrive: { day: '2025-07-01', clock: '15:00' }, leave: { day: '2025-07-02', clock: '12:00' },
  name: '王芳', phone: '+86 138 0000 0000', guests: 2, ...more,
});

it('a complete form has nothing wrong with it, and travels in UTC', () => {
  expect(complaintsAbout(draft(), ROOMS)).toEqual({});
  expect(asBooking(draft({ name: ' 王芳 ' }))).toMatchObject({
    arrive_at: '2025-07-01T07:00:00.000Z', leave_at: '2025-07-02T04:00:00.000Z', booker: { name: '王芳' }, room_ids: ['room_1'], bed_ids: [],
  });
});

it('each thing that is missing is named', () => {
  const empty = draft({ unitId: '', rooms: [], name: ' ', phone: 'call me', guests: 0, leave: { day: '2025-07-01', clock: '15:00' } });
  expect(Object.keys(complaintsAbout(empty, ROOMS)).sort()).toEqual(['guests', 'name', 'period', 'phone', 'unit']);
});

it('more guests than places are refused with both numbers', () => {
  expect(complaintsAbout(draft({ guests: 4 }), ROOMS).guests).toEqual({ key: 'form.tooMany', blanks: { n: 4, m: 3 } });
});

it('with nothing ticked the unit as a whole is the limit, where it is known', () => {
  expect(complaintsAbout(draft({ rooms: [], guests: 9 }), ROOMS, 6).guests).toEqual({ key: 'form.tooMany', blanks: { n: 9, m: 6 } });
  expect(complaintsAbout(draft({ rooms: [], guests: 6 }), ROOMS, 6)).toEqual({});
  expect(complaintsAbout(draft({ rooms: [], guests: 9 }), ROOMS)).toEqual({});
});

it('a whole room counts to its limit, a bed counts one', () => {
  expect(placesChosen(ROOMS, { rooms: ['room_1'], beds: [] })).toBe(3);
  expect(placesChosen(ROOMS, { rooms: [], beds: ['bed_1', 'bed_3'] })).toBe(2);
});

it('a room and its beds are never chosen twice', () => {
  const [first] = ROOMS as [RoomView];
  const form = draft({ rooms: [], beds: ['bed_1', 'bed_3'] });
  toggleRoom(form, first);
  expect(form).toMatchObject({ rooms: ['room_1'], beds: ['bed_3'] });
  toggleBed(form, first, 'bed_2');
  expect(form).toMatchObject({ rooms: [], beds: ['bed_3', 'bed_2'] });
  toggleBed(form, first, 'bed_2');
  expect(form.beds).toEqual(['bed_3']);
});
