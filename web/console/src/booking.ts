/** What a booking form holds, and what is wrong with it; pure, so that it can be tested without a page. */
import type { NewBooking, RoomView } from './api/shapes';
import { instantAt } from './instants';
import type { TextKey, Blanks } from './locale/texts';

export interface Draft {
  unitId: string;
  rooms: string[];
  beds: string[];
  arrive: { day: string; clock: string };
  leave: { day: string; clock: string };
  name: string;
  phone: string;
  guests: number;
}

export type Complaints = Partial<Record<'unit' | 'period' | 'name' | 'phone' | 'guests', { key: TextKey; blanks?: Blanks }>>;

const PHONE = /^\+?[\d\s-]{5,24}$/;

/** How many guests the chosen rooms and beds hold: a whole room up to its limit, a bed one guest. */
export function placesChosen(rooms: readonly RoomView[], draft: Pick<Draft, 'rooms' | 'beds'>): number {
  return rooms.reduce((sum, room) => {
    if (draft.rooms.includes(room.id)) return sum + room.max_occupancy;
    return sum + room.beds.filter((bed) => draft.beds.includes(bed.id)).length;
  }, 0);
}

/** Without a chosen room or bed the server takes the first free ones, up to what the whole unit holds. */
export function complaintsAbout(draft: Draft, rooms: readonly RoomView[], most?: number | null): Complaints {
  const found: Complaints = {};
  if (!draft.unitId) found.unit = { key: 'form.needUnit' };
  const chosen = draft.rooms.length + draft.beds.length > 0;
  const places = chosen ? placesChosen(rooms, draft) : (most ?? Number.POSITIVE_INFINITY);
  const { arrive, leave } = draft;
  const period = arrive.day && arrive.clock && leave.day && leave.clock;
  if (!period || instantAt(arrive.day, arrive.clock) >= instantAt(leave.day, leave.clock)) found.period = { key: 'form.needPeriod' };
  if (!draft.name.trim()) found.name = { key: 'form.needName' };
  if (!PHONE.test(draft.phone.trim())) found.phone = { key: 'form.needPhone' };
  if (!(draft.guests >= 1)) found.guests = { key: 'form.needGuests' };
  else if (draft.guests > places) found.guests = { key: 'form.tooMany', blanks: { n: draft.guests, m: places } };
  return found;
}

export const asBooking = (draft: Draft): NewBooking => ({
  unit_id: draft.unitId,
  room_ids: draft.rooms,
  bed_ids: draft.beds,
  arrive_at: instantAt(draft.arrive.day, draft.arrive.clock),
  leave_at: instantAt(draft.leave.day, draft.leave.clock),
  booker: { name: draft.name.trim(), phone: draft.phone.trim() },
  guests_expected: draft.guests,
});

/** Taking a room takes its beds out of the single choice, and a bed takes its room out. */
export function toggleRoom(draft: Draft, room: RoomView): void {
  const taken = draft.rooms.includes(room.id);
  draft.rooms = taken ? draft.rooms.filter((id) => id !== room.id) : [...draft.rooms, room.id];
  if (!taken) draft.beds = draft.beds.filter((id) => !room.beds.some((bed) => bed.id === id));
}

export function toggleBed(draft: Draft, room: RoomView, bedId: string): void {
  const taken = draft.beds.includes(bedId);
  draft.beds = taken ? draft.beds.filter((id) => id !== bedId) : [...draft.beds, bedId];
  if (!taken) draft.rooms = draft.rooms.filter((id) => id !== room.id);
}
