/** What the phone keeps between visits: tokens, the last view of a stay, its codes, the language. Never a document number. */

import type { StayView } from '@/api/shapes'
import type { Sheaf } from './rotation'

export interface KeptGuest {
  readonly stay_id: string
  readonly token: string
  readonly name_masked: string
  readonly unit: string
  readonly room: string
  readonly bed: string
  readonly leave_at: string
  /** The kind of document, never its number. */
  readonly kind: string
  readonly estate: { readonly name_zh: string; readonly name_en: string }
}

const GUESTS = 'linli.guests'
const REGISTRATION = 'linli.registration'
const LANGUAGE = 'linli.language'
// A closed stay stays listed for a week, so that its receipt can still be read.
const KEEP_AFTER_LEAVING_MS = 7 * 86_400_000

export function keptLanguage(): string | null {
  return read<string>(LANGUAGE)
}

export function keepLanguage(locale: string): void {
  write(LANGUAGE, locale)
}

export function keptRegistration(): string | null {
  return read<string>(REGISTRATION)
}

export function keepRegistration(token: string): void {
  write(REGISTRATION, token)
}

/** This will list the guests registered with this phone, the newest first, and drop those long gone. */
export function keptGuests(now: number): readonly KeptGuest[] {
  const all = read<KeptGuest[]>(GUESTS)
  const guests = Array.isArray(all) ? all : []
  return guests.filter((guest) => !(Date.parse(guest.leave_at) + KEEP_AFTER_LEAVING_MS < now))
}

export function keptGuest(stayId: string, now: number): KeptGuest | null {
  return keptGuests(now).find((guest) => guest.stay_id === stayId) ?? null
}

export function keepGuest(guest: KeptGuest, now: number): void {
  write(GUESTS, [guest, ...keptGuests(now).filter((other) => other.stay_id !== guest.stay_id)])
}

export function forgetGuest(stayId: string, now: number): void {
  write(GUESTS, keptGuests(now).filter((guest) => guest.stay_id !== stayId))
  drop(`linli.sheaf.${stayId}`)
  drop(`linli.view.${stayId}`)
}

export function keptSheaf(stayId: string): Sheaf | null {
  return read<Sheaf>(`linli.sheaf.${stayId}`)
}

export function keepSheaf(stayId: string, sheaf: Sheaf | null): void {
  if (sheaf) write(`linli.sheaf.${stayId}`, sheaf)
  else drop(`linli.sheaf.${stayId}`)
}

export function keptView(stayId: string): StayView | null {
  return read<StayView>(`linli.view.${stayId}`)
}

export function keepView(view: StayView): void {
  write(`linli.view.${view.id}`, view)
}

/** This will return the link's token of an invitation made with this phone. */
export function keptVisitToken(visitId: string): string | null {
  return read<string>(`linli.visit.${visitId}`)
}

export function keepVisitToken(visitId: string, token: string | null): void {
  if (token) write(`linli.visit.${visitId}`, token)
  else drop(`linli.visit.${visitId}`)
}

/** This will return the idempotency key of an unfinished creation, making one at its first try. */
export function onceKey(purpose: string): string {
  const name = `linli.once.${purpose}`
  const kept = read<string>(name)
  if (kept) return kept
  const fresh = randomKey()
  write(name, fresh)
  return fresh
}

/** This will forget the key: the server has answered for good, the next creation is another one. */
export function onceDone(purpose: string): void {
  drop(`linli.once.${purpose}`)
}

function randomKey(): string {
  const bytes = new Uint8Array(16)
  const source = typeof globalThis !== 'undefined' ? globalThis.crypto : undefined
  if (source?.getRandomValues) source.getRandomValues(bytes)
  // WeChat has no crypto object. The key need not be secret, only not repeat.
  else for (let place = 0; place < bytes.length; place += 1) bytes[place] = Math.floor(Math.random() * 256)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function read<T>(name: string): T | null {
  try {
    const value: unknown = uni.getStorageSync(name)
    return value === '' || value === undefined ? null : (value as T)
  } catch {
    return null
  }
}

function write(name: string, value: unknown): void {
  try {
    uni.setStorageSync(name, value)
  } catch {
    // A private window may refuse storage: the visit still works, only coming back does not.
  }
}

function drop(name: string): void {
  try {
    uni.removeStorageSync(name)
  } catch {
    // As above.
  }
}
