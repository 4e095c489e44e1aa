/**
 * What the server answers, as far as the console reads it.
 * Every field the contract does not promise is optional here, and every page must do without it.
 */
export interface Words { zh: string; en: string }

export interface ProblemBody {
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  message?: Words;
  field?: string;
  details?: Record<string, unknown>;
  errors?: { field?: string; message?: Words | string; code?: string }[];
}

/** `total` is null when the server does not count; a full page then means that there may be more. */
export interface Page<T> { items: T[]; total: number | null; page: number; size: number }

export interface Grant { role: string; scope: string }
export interface Whoami { username: string; display_name?: string; roles: Grant[] }

export interface Overview {
  estate: { name_zh: string; name_en: string };
  operators: number;
  units: number;
  rooms: number;
  beds: number;
  gates: number;
  tonight: { booked: number; registered: number; verified: number; in_house: number; left: number; no_show: number };
  reports: Record<string, number>;
  gates_online: number;
  gates_offline: number;
  passages_today: number;
  now?: string;
}

export interface StayRow {
  id: string;
  unit_label: string;
  room_label?: string | null;
  bed_label?: string | null;
  guest_masked: string;
  kind: string;
  minor: boolean;
  state: string;
  level: number;
  arrive_at: string;
  leave_at: string;
  checked_in_at?: string | null;
  checked_out_at?: string | null;
  report_state?: string | null;
}

export interface Decision { row: number | string; result: string; duties: string[]; message?: Words }
export interface TrailStep { state: string; at: string; by?: string | null; note?: string | null }

export interface StayDetail {
  id: string;
  booking_id?: string;
  unit_id?: string;
  state: string;
  level: number;
  name_masked: string;
  document_masked?: string | null;
  unit: string;
  room?: string | null;
  bed?: string | null;
  minor?: boolean;
  arrive_at: string;
  leave_at: string;
  decision?: Decision | null;
  pass?: { id: string; state: string; start: string; end: string } | null;
  report?: { state: string; receipt?: string | null; due_at?: string | null } | null;
  trail: TrailStep[];
  may?: string[];
}

export interface GateRow {
  code: string;
  name_zh: string;
  name_en: string;
  kind: string;
  box?: string | null;
  online: boolean;
  last_seen_at?: string | null;
  version?: number | null;
  behind?: number | null;
  entries_today?: number | null;
}

export interface GateEvent {
  gate: string;
  sequence?: number;
  happened_at: string;
  method: string;
  direction: string;
  opened: boolean;
  reason: string;
  late?: boolean;
}

export interface ReportRow {
  id: string;
  kind: string;
  stay_id: string;
  unit_label: string;
  state: string;
  attempts: number;
  due_at?: string | null;
  overdue?: string | null;
  receipt?: string | null;
  code?: string | null;
  field?: string | null;
  reason?: string | null;
  says?: Words | null;
  owner?: string | null;
}

export interface BedView { id: string; label: string; free?: boolean }
export interface RoomView { id: string; label: string; beds: BedView[]; max_occupancy?: number | null; mode?: string }
export interface UnitRow {
  id: string;
  label: Words;
  code?: string | null;
  mark_code?: string | null;
  state: string;
  operator_id?: string;
  operator_name?: string;
  rooms: number;
  beds: number;
  max_occupancy?: number | null;
}
export interface UnitDetail extends Omit<UnitRow, 'rooms'> {
  rooms: RoomView[];
  trail?: TrailStep[];
  may?: string[];
  reason?: string | null;
}

export interface BookingRow {
  id: string;
  state: string;
  unit_id: string;
  unit_label: string;
  channel?: string | null;
  channel_ref?: string | null;
  booker_masked?: string;
  arrive_at: string;
  leave_at: string;
  guests_expected: number;
  guests_registered: number;
  beds?: string[];
}

export interface NewBooking {
  unit_id: string;
  room_ids: string[];
  bed_ids: string[];
  arrive_at: string;
  leave_at: string;
  booker: { name: string; phone: string };
  guests_expected: number;
}
export interface Booked { booking: BookingRow; registration_token: string }

/** One line of a booking file: booked, unchanged, changed, cancelled, past, block, conflict, question or problem, and why. */
export interface FeedRow { line: number; ref: string; outcome: string; booking_id?: string | null; code: string; zh: string; en: string }
export interface FeedResult { rows: FeedRow[]; booked: number; problems: number }
