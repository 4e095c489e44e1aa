/** Brings the server's views into the few shapes the pages draw; nothing else in the console knows the difference. */
import type { GateEvent, Page, RawStay, RawUnit, RawUnitRow, RoomView, StayDetail, TrailStep, UnitDetail, UnitRow } from './shapes';

/** Some lists are plain arrays of one page, some are pages with a total. */
export function asPage<T>(answer: Page<T> | T[], page: number, size: number): Page<T> {
  return Array.isArray(answer) ? { items: answer, total: page === 1 && answer.length < size ? answer.length : null, page, size } : answer;
}

export const unitRow = ({ label_zh: zh, label_en: en, ...unit }: RawUnitRow): UnitRow => ({ ...unit, label: { zh, en: en || zh } });

const roomView = (room: RawUnit['rooms'][number]): RoomView => ({
  id: room.room_id, label: room.label, mode: room.mode, max_occupancy: room.max_occupancy,
  beds: room.beds.map((bed) => ({ id: bed.bed_id, label: bed.label })),
});

/** The history keeps a note of every step; only why a unit stands still is news. */
export function unitDetail(unit: RawUnit): UnitDetail {
  const still = unit.state === 'SUSPENDED' || unit.state === 'CLOSED';
  const beds = unit.rooms.reduce((sum, room) => sum + room.beds.length, 0);
  return { ...unitRow({ ...unit, rooms: unit.rooms.length, beds }), rooms: unit.rooms.map(roomView), trail: unit.trail, may: unit.may, reason: still ? unit.reason : '' };
}

/** The states a guest has walked through, as far as the server tells when. */
function trailOf(stay: RawStay): TrailStep[] {
  const steps: [string, string | null][] = [
    ['REGISTERED', stay.registered_at], ['IN_HOUSE', stay.checked_in_at], [stay.state === 'AUTO_CLOSED' ? 'AUTO_CLOSED' : 'CHECKED_OUT', stay.checked_out_at],
  ];
  return steps.flatMap(([state, at]) => (at ? [{ state, at }] : []));
}

export const stayDetail = (stay: RawStay): StayDetail => ({ ...stay, trail: trailOf(stay) });

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function readEvent(data: unknown): GateEvent | null {
  if (!data || typeof data !== 'object') return null;
  const event = data as Record<string, unknown>;
  if (typeof event.gate !== 'string' || typeof event.sequence !== 'number') return null;
  if (typeof event.happened_at !== 'string' || Number.isNaN(Date.parse(event.happened_at))) return null;
  return {
    gate: event.gate, sequence: event.sequence, happened_at: event.happened_at, opened: event.opened === true, reason: text(event.reason),
    method: text(event.method), direction: text(event.direction), late: event.late === true,
  };
}

/** What the stream tells of the gates: a batch of events; what cannot be read is left out. */
export const readEvents = (data: Record<string, unknown>): GateEvent[] =>
  (Array.isArray(data.events) ? data.events : []).flatMap((one) => readEvent(one) ?? []);
