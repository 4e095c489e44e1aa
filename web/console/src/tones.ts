/** A few tones for many states; the words always stand beside the colour. */
export type Tone = 'plain' | 'wait' | 'go' | 'good' | 'warn' | 'bad' | 'past';

const TONES: Record<string, Tone> = {
  BOOKED: 'plain', REGISTERED: 'wait', VERIFIED: 'go', IN_HOUSE: 'good',
  CHECKED_OUT: 'past', NO_SHOW: 'warn', CANCELLED: 'past', AUTO_CLOSED: 'warn',
  QUEUED: 'plain', SENDING: 'wait', PENDING: 'wait', ACCEPTED: 'good', REJECTED: 'bad', PARKED: 'bad', DUE: 'wait', NONE: 'past',
  DRAFT: 'plain', SUBMITTED: 'wait', CHECKED: 'go', CODED: 'go', ACTIVE: 'good', SUSPENDED: 'warn', CLOSED: 'past',
  PLANNED: 'plain', EXPIRED: 'past', REVOKED: 'past',
  OK: 'good', SURPLUS: 'bad', MISSING: 'bad', OUTDATED: 'warn', FAILED: 'bad', REMOVED: 'good',
  allow: 'good', hold: 'warn', refuse: 'bad',
  booked: 'good', changed: 'go', unchanged: 'past', cancelled: 'past', past: 'past', block: 'plain', conflict: 'bad', question: 'warn', problem: 'bad',
};

export const toneOf = (state: string | null | undefined): Tone => (state ? (TONES[state] ?? TONES[state.toUpperCase()] ?? 'plain') : 'past');
