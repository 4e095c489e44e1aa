/** A few tones for many states; the words always stand beside the colour. */
export type Tone = 'plain' | 'wait' | 'go' | 'good' | 'warn' | 'bad' | 'past';

const TONES: Record<string, Tone> = {
  BOOKED: 'plain', REGISTERED: 'wait', VERIFIED: 'go', IN_HOUSE: 'good',
  CHECKED_OUT: 'past', NO_SHOW: 'warn', CANCELLED: 'past', AUTO_CLOSED: 'warn',
  QUEUED: 'plain', SENDING: 'wait', PENDING: 'wait', ACCEPTED: 'good', REJECTED: 'bad', PARKED: 'bad', DUE: 'wait', NONE: 'past',
  DRAFT: 'plain', SUBMITTED: 'wait', CHECKED: 'go', CODED: 'go', ACTIVE: 'good', SUSPENDED: 'warn', CLOSED: 'past',
  PLANNED: 'plain', EXPIRED: 'past', REVOKED: 'past',
  OK: 'good', SURPLUS: 'bad', MISSING: 'bad', OUTDATED: 'warn', FAILED: 'bad', REMOVED: 'good',
  OPEN: 'warn', ANSWERED: 'go', SETTLED: 'good', NOT_WANTED: 'past', NOT_DUE: 'past', SILENT: 'bad', NO_CONSENT: 'past',
  WORKING: 'good', FAILING: 'bad', PAUSED: 'warn', QUIET: 'past', ONLINE: 'good', OFFLINE: 'bad', CHALLENGED: 'wait', STALE: 'warn', DISABLED: 'past',
  BUSY: 'warn', LOCKED_OUT: 'bad', NO_ANSWER: 'bad', UNREACHABLE: 'bad', NONSENSE: 'bad', NOT_A_MESSAGE: 'bad', UNHEARD_OF: 'warn',
  EVEN: 'good', UNEVEN: 'warn', UNKNOWN: 'wait', NEW: 'warn', READ: 'past',
  allow: 'good', hold: 'warn', refuse: 'bad',
  ORDERED: 'wait', CANCELLING: 'wait',
  GOOD: 'good', REFUSED: 'bad', FEED_SILENT: 'bad',
  booked: 'good', changed: 'go', unchanged: 'past', cancelled: 'past', past: 'past', block: 'plain', conflict: 'bad', question: 'warn', problem: 'bad',
};

export const toneOf = (state: string | null | undefined): Tone => (state ? (TONES[state] ?? TONES[state.toUpperCase()] ?? 'plain') : 'past');
