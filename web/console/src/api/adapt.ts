/** Brings the server's views into the few shapes the pages draw; nothing else in the console knows the difference. */
import type { RoomView, TrailStep, UnitDetail, UnitRow } from './shapes';

export interface RawBed { id?: string; bed_id?: string; label: string; free?: boolean }
export interface RawRoom { id?: string; room_id?: string; label: string; mode?: string; max_occupancy?: number | null; beds: RawBed[] }
export interface RawUnit {
  id: string;
  code?: string | null;
  label?: string;
  label_zh?: string;
  mark_code?: string | null;
  state: string;
  state_reason?: string | null;
  reason?: string | null;
  operator_id?: string;
  operator_name?: string;
  max_occupancy?: number | null;
  rooms: number | RawRoom[];
  beds?: number;
  trail?: TrailStep[];
  may?: string[];
}

const roomView = (room: RawRoom): RoomView => ({
  id: room.id ?? room.room_id ?? '',
  label: room.label,
  mode: room.mode,
  max_occupancy: room.max_occupancy,
  beds: room.beds.map((bed) => ({ id: bed.id ?? bed.bed_id ?? '', label: bed.label, free: bed.free })),
});

export function unitRow(unit: RawUnit): UnitRow {
  const rooms = Array.isArray(unit.rooms) ? unit.rooms : null;
  return {
    id: unit.id, label: unit.label ?? unit.label_zh ?? unit.code ?? unit.id, code: unit.code, mark_code: unit.mark_code, state: unit.state,
    operator_id: unit.operator_id, operator_name: unit.operator_name, max_occupancy: unit.max_occupancy,
    rooms: rooms ? rooms.length : (unit.rooms as number),
    beds: unit.beds ?? (rooms ? rooms.reduce((sum, room) => sum + room.beds.length, 0) : 0),
  };
}

export function unitDetail(unit: RawUnit): UnitDetail {
  return {
    ...unitRow(unit),
    rooms: Array.isArray(unit.rooms) ? unit.rooms.map(roomView) : [],
    reason: unit.state === 'SUSPENDED' || unit.state === 'CLOSED' ? (unit.reason ?? unit.state_reason) : null,
    trail: unit.trail, may: unit.may,
  };
}
