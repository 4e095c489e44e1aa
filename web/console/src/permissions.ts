/**
 * What each role is offered. The server has the last word on every request; this page only keeps buttons that would
 * be refused out of sight. When the server says what the person may do with one thing, that list is followed instead.
 */
import type { Grant } from './api/shapes';

export type Deed =
  | 'eye-check' | 'guardian-call' | 'check-in' | 'check-out' | 'move' | 'replay' | 'book' | 'link' | 'cancel' | 'extend' | 'no-show' | 'feed'
  | 'submit' | 'check' | 'code' | 'activate' | 'suspend' | 'resume' | 'close'
  | 'set-rules' | 'decide-terms' | 'set-hours' | 'employ'
  | 'see-alarms' | 'take-notice' | 'open-gate' | 'see-devices' | 'hand-out' | 'revoke' | 'count-faces' | 'report-faces' | 'ask-health' | 'answer-health'
  | 'see-links' | 'pause-link' | 'keep-accounts' | 'see-peers' | 'keep-peers' | 'order-devices' | 'replay-all' | 'see-nights' | 'reconcile' | 'print-receipt';

export type Place = 'overview' | 'tonight' | 'gates' | 'reports' | 'units' | 'bookings'
  | 'intake' | 'ways' | 'staff'
  | 'desk' | 'passes' | 'terminals' | 'faces' | 'terms' | 'health'
  | 'links' | 'questions' | 'hits' | 'disclosures' | 'another-way';

/** Whoever lets: the office for all units, an operator for its own. */
const LETTERS = ['office', 'operator'] as const;
/** Whoever stands before the guest. */
const DESK = [...LETTERS, 'guard'] as const;
const RUNNERS = ['estate_admin', 'office'] as const;

/** Whoever opens doors and hands out what opens them. */
const DOORKEEPERS = ['guard', 'property', 'estate_admin'] as const;
const DEVICE_WATCHERS = [...DOORKEEPERS, 'police', 'auditor'] as const;
const FACE_COUNTERS = ['estate_admin', 'office', 'property', 'auditor'] as const;
const EVERY_WATCHER = ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor'] as const;

/** Whoever may see how the links to the authorities are doing. */
const LINK_WATCHERS = [...RUNNERS, 'police', 'auditor'] as const;

const DEEDS: Record<Deed, readonly string[]> = {
  'eye-check': DESK,
  'guardian-call': DESK,
  'check-in': DESK,
  'check-out': DESK,
  move: LETTERS,
  replay: [...RUNNERS, 'operator'],
  book: LETTERS,
  link: DESK,
  cancel: LETTERS,
  extend: LETTERS,
  'no-show': LETTERS,
  feed: LETTERS,
  submit: [...RUNNERS, 'operator'],
  check: [...RUNNERS, 'property', 'police'],
  code: RUNNERS,
  activate: RUNNERS,
  suspend: RUNNERS,
  resume: RUNNERS,
  close: [...RUNNERS, 'operator'],
  'see-alarms': DEVICE_WATCHERS,
  'take-notice': DOORKEEPERS,
  'open-gate': DOORKEEPERS,
  'see-devices': DEVICE_WATCHERS,
  'hand-out': DOORKEEPERS,
  revoke: [...DOORKEEPERS, 'office'],
  'count-faces': FACE_COUNTERS,
  'report-faces': [...FACE_COUNTERS, 'guard'],
  'set-rules': ['estate_admin', 'property'],
  'decide-terms': ['estate_admin'],
  'set-hours': ['estate_admin', 'property'],
  employ: ['estate_admin', 'property'],
  'ask-health': RUNNERS,
  'answer-health': ['estate_admin', 'committee'],
  'see-links': LINK_WATCHERS,
  'pause-link': ['estate_admin'],
  'keep-accounts': [...RUNNERS, 'operator'],
  'see-peers': [...RUNNERS, 'auditor'],
  'keep-peers': ['estate_admin'],
  'order-devices': RUNNERS,
  'replay-all': RUNNERS,
  'see-nights': LINK_WATCHERS,
  reconcile: RUNNERS,
  'print-receipt': DESK,
};

const PLACES: Record<Place, readonly string[]> = {
  // The estate's numbers and its live stream: everybody who watches the whole of it.
  overview: ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor'],
  tonight: ['office', 'property', 'committee', 'guard', 'police', 'operator'],
  gates: ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor'],
  reports: ['estate_admin', 'office', 'police', 'auditor', 'operator'],
  units: ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor', 'operator'],
  bookings: ['office', 'guard', 'operator'],
  intake: LETTERS,
  ways: EVERY_WATCHER,
  staff: FACE_COUNTERS,
  desk: DOORKEEPERS,
  passes: DEVICE_WATCHERS,
  terminals: DEVICE_WATCHERS,
  faces: [...FACE_COUNTERS, 'guard'],
  terms: EVERY_WATCHER,
  health: EVERY_WATCHER,
  links: [...LINK_WATCHERS, 'operator'],
  questions: [...LINK_WATCHERS, 'operator'],
  // Whom a platform means is for the police alone; nobody else learns that there is anything to read.
  hits: ['police'],
  disclosures: ['estate_admin', 'auditor'],
  'another-way': DESK,
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

export interface StayFacts { state: string; level: number; duties?: readonly string[]; may?: readonly string[] }

export function stayDeeds(grants: readonly Grant[], stay: StayFacts): Deed[] {
  const offered = [...(STAY_DEEDS[stay.state] ?? [])];
  if (stay.state === 'REGISTERED' && stay.duties?.includes('call_guardian')) offered.unshift('guardian-call');
  // A passport that does not add up is compared by two people, so being seen once is not yet enough.
  const seen = stay.level >= 4 && !stay.duties?.includes('two_person_check');
  return offered.filter((deed) => mayDo(grants, deed, stay.may) && !(deed === 'eye-check' && seen));
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
