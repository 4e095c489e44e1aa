/**
 * What travels, by the names the pages use. The server's own views come from its published schema, so that a field that goes
 * away is a type error here; what the console makes of them stands below.
 */
import type { components } from '../../../api-types/schema';

type Schema = components['schemas'];

export type Words = Schema['Words'];
export type Grant = Schema['GrantView'];
export type Whoami = Pick<Schema['AccountView'], 'id' | 'username' | 'display_name' | 'roles'>;
export type Overview = Schema['Overview'];
export type StayRow = Schema['StayRow'];
export type GateRow = Schema['GateView'];
export type ReportRow = Schema['ReportRow'];
export type BookingRow = Schema['BookingView'];
export type Booked = Schema['Booked'];
export type FeedResult = Schema['FeedResult'];
export type RawStay = Schema['StayView'];
export type RawUnit = Schema['UnitFile'];
export type RawUnitRow = Schema['UnitRow'];
/** The stream tells a little less of a passage than the list does. */
export type GateEvent = Omit<Schema['GateEventView'], 'received_at' | 'clock_sure'>;
export type NewBooking = Required<Pick<Schema['BookingBody'], 'unit_id' | 'arrive_at' | 'leave_at' | 'guests_expected' | 'room_ids' | 'bed_ids' | 'booker'>>;
export type GuardianAnswer = Schema['CallBody']['answer'];

/** A problem document (RFC 9457) with our own additions; a proxy may send less. */
export interface ProblemBody {
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  message?: Words;
  field?: string;
  details?: Record<string, unknown>;
}

/** `total` is null when the server does not count; a full page then means that there may be more. */
export interface Page<T> { items: T[]; total: number | null; page: number; size: number }

export interface TrailStep { state: string; at: string; by?: string; note?: string }

export interface BedView { id: string; label: string }
export interface RoomView { id: string; label: string; mode: string; max_occupancy: number; beds: BedView[] }
export interface UnitRow extends Omit<RawUnitRow, 'label_zh' | 'label_en'> { label: Words }
export interface UnitDetail extends Omit<UnitRow, 'rooms'> { rooms: RoomView[]; trail: TrailStep[]; may: string[]; reason: string }

export interface StayDetail extends RawStay { trail: TrailStep[] }
