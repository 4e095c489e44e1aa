/** Brings the server's views into the few shapes the pages draw; nothing else in the console knows the difference. */
import type { GateEvent, Page, RoomView, StayDetail, TrailStep, UnitDetail, UnitRow } from './shapes';

export interface RawBed { bed_id: string; label: string; free?: boolean }
export interface RawRoom { room_id: string; label: string; mode?: string; max_occupancy?: number | null; beds: RawBed[] }
export interface RawUnit {
  id: string;
  code: string;
  label_zh: string;
  label_en?: string;
  mark_code?: string | null;
  state: string;
  reason?: string;
  operator_id?: string;
  operator_name?: string;
  max_occupancy?: number | null;
  rooms: number | RawRoom[];
  beds?: number;
  trail?: TrailStep[];
  may?: string[];
}

/** Some lists are plain arrays of one page, some are pages with a total. */
export function asPage<T>(answer: Page<T> | T[], page: number, size: number): Page<T> {
  return Array.isArray(answer) ? { items: answer, total: page === 1 && answer.length < size ? answer.length : null, page, size } : answer;
}

const roomView = (room: RawRoom): RoomView => ({
  id: room.room_id, label: room.label, mode: room.mode, max_occupancy: room.max_occupancy,
  beds: room.beds.map((bed) => ({ id: bed.bed_id, label: bed.label, free: bed.free })),
});

export function unitRow(unit: RawUnit): UnitRow {
  const rooms = Array.isArray(unit.rooms) ? unit.rooms : null;
  return {
    id: unit.id, label: { zh: unit.label_zh, en: unit.label_en || unit.label_zh }, code: unit.code, mark_code: unit.mark_code, state: unit.state,
    operator_id: unit.operator_id, operator_name: unit.operator_name, max_occupancy: unit.max_occupancy,
    rooms: rooms ? rooms.length : (unit.rooms as number),
    beds: unit.beds ?? (rooms ?? []).reduce((sum, room) => sum + room.beds.length, 0),
  };
}

export function unitDetail(unit: RawUnit): UnitDetail {
  return {
    ...unitRow(unit),
    rooms: Array.isArray(unit.rooms) ? unit.rooms.map(roomView) : [],
    reason: unit.state === 'SUSPENDED' || unit.state === 'CLOSED' ? unit.reason : null,
    trail: unit.trail, may: unit.may,
  };
}

export interface RawStay extends Omit<StayDetail, 'pass' | 'trail'> {
  pass?: StayDetail['pass'];
  access_pass?: StayDetail['pass'];
  registered_at?: string | null;
  checked_in_at?: string | null;
  checked_out_at?: string | null;
  trail?: TrailStep[];
}

/** The states a guest has walked through, as far as the server tells when. */
function trailOf(stay: RawStay): TrailStep[] {
  const steps: [string, string | null | undefined][] = [
    ['REGISTERED', stay.registered_at], ['IN_HOUSE', stay.checked_in_at], [stay.state === 'AUTO_CLOSED' ? 'AUTO_CLOSED' : 'CHECKED_OUT', stay.checked_out_at],
  ];
  return steps.flatMap(([state, at]) => (at ? [{ state, at }] : []));
}

export const stayDetail = (stay: RawStay): StayDetail => ({ ...stay, pass: stay.pass ?? stay.access_pass ?? null, trail: stay.trail ?? trailOf(stay) });

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function readEvent(data: unknown): GateEvent | null {
  if (!data || typeof data !== 'object') return null;
  const event = data as Record<string, unknown>;
  if (typeof event.gate !== 'string' || typeof event.happened_at !== 'string' || Number.isNaN(Date.parse(event.happened_at))) return null;
  return {
    gate: event.gate, happened_at: event.happened_at, opened: event.opened === true, reason: text(event.reason),
    method: text(event.method), direction: text(event.direction), late: event.late === true,
    ...(typeof event.sequence === 'number' ? { sequence: event.sequence } : {}),
  };
}

/** What the stream tells of the gates: a batch of events, or one; what cannot be read is left out. */
export function readEvents(data: Record<string, unknown>): GateEvent[] {
  const told = Array.isArray(data.events) ? data.events : [data];
  return told.flatMap((one) => readEvent(one) ?? []);
}
