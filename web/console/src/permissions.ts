/**
 * What each role is offered. The server has the last word on every request; this page only keeps buttons that would
 * be refused out of sight. When the server says what the person may do with one thing, that list is followed instead.
 */
import type { Grant } from './api/shapes';

export type Deed =
  | 'eye-check' | 'check-in' | 'check-out' | 'move' | 'replay' | 'book' | 'cancel' | 'extend' | 'no-show' | 'feed'
  | 'submit' | 'check' | 'code' | 'activate' | 'suspend' | 'resume' | 'close';

export type Place = 'tonight' | 'gates' | 'reports' | 'units' | 'bookings';

const RUNNERS = ['estate_admin', 'office'] as const;

const DEEDS: Record<Deed, readonly string[]> = {
  'eye-check': [...RUNNERS, 'property', 'guard', 'operator'],
  'check-in': [...RUNNERS, 'guard', 'operator'],
  'check-out': [...RUNNERS, 'guard', 'operator'],
  move: [...RUNNERS, 'operator'],
  replay: RUNNERS,
  book: [...RUNNERS, 'operator'],
  cancel: [...RUNNERS, 'operator'],
  extend: [...RUNNERS, 'operator'],
  'no-show': [...RUNNERS, 'operator'],
  feed: [...RUNNERS, 'operator'],
  submit: [...RUNNERS, 'operator'],
  check: RUNNERS,
  code: RUNNERS,
  activate: RUNNERS,
  suspend: RUNNERS,
  resume: RUNNERS,
  close: [...RUNNERS, 'operator'],
};

const PLACES: Record<Place, readonly string[]> = {
  tonight: ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor', 'operator'],
  gates: ['estate_admin', 'office', 'property', 'guard', 'police', 'auditor'],
  reports: ['estate_admin', 'office', 'police', 'auditor', 'operator'],
  units: ['estate_admin', 'office', 'property', 'committee', 'police', 'auditor', 'operator'],
  bookings: ['estate_admin', 'office', 'auditor', 'operator'],
};

const holds = (grants: readonly Grant[], roles: readonly string[]): boolean =>
  grants.some((grant) => roles.includes(grant.role));

export const mayDo = (grants: readonly Grant[], deed: Deed, told?: readonly string[]): boolean =>
  told ? told.includes(deed) : holds(grants, DEEDS[deed]);

export const maySee = (grants: readonly Grant[], place: Place): boolean => holds(grants, PLACES[place]);

/** Stay deeds that make sense in a state. */
const STAY_DEEDS: Record<string, readonly Deed[]> = {
  REGISTERED: ['eye-check', 'move'],
  VERIFIED: ['check-in', 'eye-check', 'move'],
  IN_HOUSE: ['check-out', 'move'],
};

export function stayDeeds(grants: readonly Grant[], stay: { state: string; level: number; may?: string[] }): Deed[] {
  const offered = STAY_DEEDS[stay.state] ?? [];
  return offered.filter((deed) => mayDo(grants, deed, stay.may) && !(deed === 'eye-check' && stay.level >= 4));
}

/** The letting unit's state machine: DRAFT → SUBMITTED → CHECKED → CODED → ACTIVE ⇄ SUSPENDED → CLOSED. */
export const UNIT_PATH = ['DRAFT', 'SUBMITTED', 'CHECKED', 'CODED', 'ACTIVE'] as const;
const UNIT_DEEDS: Record<string, readonly Deed[]> = {
  DRAFT: ['submit', 'close'],
  SUBMITTED: ['check', 'close'],
  CHECKED: ['code', 'close'],
  CODED: ['activate', 'close'],
  ACTIVE: ['suspend', 'close'],
  SUSPENDED: ['resume', 'close'],
  CLOSED: [],
};

export const unitDeeds = (grants: readonly Grant[], unit: { state: string; may?: string[] }): Deed[] =>
  (UNIT_DEEDS[unit.state] ?? []).filter((deed) => mayDo(grants, deed, unit.may));

/** A booking may be changed until it is over. */
const BOOKING_DEEDS: Record<string, readonly Deed[]> = { BOOKED: ['extend', 'cancel', 'no-show'] };

export const bookingDeeds = (grants: readonly Grant[], booking: { state: string }): Deed[] =>
  (BOOKING_DEEDS[booking.state] ?? []).filter((deed) => mayDo(grants, deed));
