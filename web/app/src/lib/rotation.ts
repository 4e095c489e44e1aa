/** The moving code: which of the pre-fetched 30-second codes to show now, and how long the sheaf still lasts. */

export interface Code {
  /** Milliseconds since 1970 on the server's clock; half-open [from, until). */
  readonly from: number
  readonly until: number
  readonly text: string
}

export interface Sheaf {
  readonly codes: readonly Code[]
  /** Server clock minus phone clock in milliseconds when the sheaf came; a phone's clock is often wrong. */
  readonly skew: number
}

/** As the server sends it: ISO instants. */
export interface CodesAnswer {
  readonly codes: readonly { readonly start: string; readonly end: string; readonly code: string }[]
  readonly now: string
}

/** A gate accepts a code one window (30 s) before and after its own; we lean on that for the last one only. */
export const GRACE_MS = 30_000
const REFILL_WHEN_LEFT_MS = 5 * 60_000

/** This will keep an answer as a sheaf, measuring the phone's clock against the server's. */
export function sheafOf(answer: CodesAnswer, phoneNow: number): Sheaf {
  const codes = answer.codes
    .map((code) => ({ from: Date.parse(code.start), until: Date.parse(code.end), text: code.code }))
    .filter((code) => Number.isFinite(code.from) && Number.isFinite(code.until) && code.until > code.from)
    .sort((a, b) => a.from - b.from)
  const serverNow = Date.parse(answer.now)
  return { codes, skew: Number.isFinite(serverNow) ? serverNow - phoneNow : 0 }
}

/** This will return the code for this moment, or null when the sheaf has run out (or not begun). */
export function codeAt(sheaf: Sheaf, phoneNow: number): Code | null {
  const now = phoneNow + sheaf.skew
  const current = sheaf.codes.find((code) => code.from <= now && now < code.until)
  if (current) return current
  const last = sheaf.codes[sheaf.codes.length - 1]
  return last && now >= last.until && now < last.until + GRACE_MS ? last : null
}

/** This will return the phone-clock instant up to which the sheaf can show codes, or null for an empty one. */
export function goodUntil(sheaf: Sheaf): number | null {
  const last = sheaf.codes[sheaf.codes.length - 1]
  return last ? last.until - sheaf.skew : null
}

/** This will return whole seconds until the shown code changes, never below zero. */
export function secondsLeft(code: Code, sheaf: Sheaf, phoneNow: number): number {
  return Math.max(0, Math.ceil((code.until - sheaf.skew - phoneNow) / 1000))
}

/** This will tell whether it is time to ask for the next sheaf: half of it is used, or nothing can be shown. */
export function wantsRefill(sheaf: Sheaf | null, phoneNow: number): boolean {
  if (!sheaf) return true
  const end = goodUntil(sheaf)
  return end === null || end - phoneNow < REFILL_WHEN_LEFT_MS || codeAt(sheaf, phoneNow) === null
}
