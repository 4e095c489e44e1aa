/** What is being typed for one guest, step by step. It lives in this tab only and is wiped once the guest is registered. */

import { reactive, watch } from 'vue'
import type { GuestBody, RegistrationView } from '@/api/shapes'
import { ageOn, isBirthDay, isoDay, readNumber, tidyNumber, type Day, type DocumentType, type NumberReading, type Sex } from './identity'
import { nationByNumber } from './nations'

export interface DayTyped {
  year: string
  month: string
  day: string
}

export interface Draft {
  booking: string
  step: string
  kind: DocumentType | ''
  number: string
  validUntil: DayTyped
  native: string
  latin: string
  birth: DayTyped
  sex: Sex | ''
  nationality: string
  phone: string
  roomId: string
  bedId: string
  relation: string
  guardianName: string
  guardianRelation: string
  guardianPhone: string
  /** The guardian's stay under the same booking, or `away`. */
  guardianStay: string
  rules: string
  notice: string
  overlap: string
}

const NO_DAY: DayTyped = { year: '', month: '', day: '' }
export const AWAY = 'away'
const ADULT = 18
const CHILD = 14

const PERMITS: readonly string[] = ['hk_macao_permit', 'taiwan_permit']
const FOREIGN: readonly string[] = ['foreign_passport', 'foreign_permanent_residence']

export function emptyDraft(booking: string): Draft {
  return {
    booking, step: 'kind', kind: '', number: '', validUntil: { ...NO_DAY }, native: '', latin: '', birth: { ...NO_DAY }, sex: '',
    nationality: '', phone: '', roomId: '', bedId: '', relation: '', guardianName: '', guardianRelation: '', guardianPhone: '',
    guardianStay: '', rules: '', notice: '', overlap: '',
  }
}

export const draft = reactive<Draft>(emptyDraft(''))

/** This will take up the draft of that booking again, or begin a fresh one. */
export function openDraft(booking: string): void {
  if (draft.booking === booking) return
  const kept = readKept()
  Object.assign(draft, emptyDraft(booking), kept?.booking === booking ? kept : {})
}

/** This will wipe everything typed, here and in the tab's memory. */
export function wipeDraft(): void {
  Object.assign(draft, emptyDraft(''))
}

/** This will return the day typed, or null while it is incomplete or no possible birth date. */
export function typedDay(typed: DayTyped): Day | null {
  const day = { year: Number(typed.year), month: Number(typed.month), day: Number(typed.day) }
  if (typed.year.length !== 4 || !typed.month || !typed.day) return null
  const at = new Date(Date.UTC(day.year, day.month - 1, day.day))
  return at.getUTCMonth() + 1 === day.month && at.getUTCDate() === day.day ? day : null
}

export function numberReading(from: Draft, today: Day): NumberReading {
  return from.kind ? readNumber(from.kind, from.number, today) : { state: 'empty' }
}

/** This will return the birth date: what the number says, else what was typed; null if neither is possible. */
export function birthOf(from: Draft, today: Day): Day | null {
  const reading = numberReading(from, today)
  if (reading.state === 'good' && reading.birth) return reading.birth
  const typed = typedDay(from.birth)
  return typed && isBirthDay(typed, today) ? typed : null
}

export function sexOf(from: Draft, today: Day): Sex | '' {
  return numberReading(from, today).sex ?? from.sex
}

export function nationalityOf(from: Draft, today: Day): string {
  if (!from.kind || isForeign(from)) return from.nationality || nationByNumber(numberReading(from, today).country ?? '')
  return from.kind === 'police_certificate' ? from.nationality || 'CHN' : 'CHN'
}

export function isForeign(from: { readonly kind: string }): boolean {
  return FOREIGN.includes(from.kind)
}

export function isPermit(from: Draft): boolean {
  return PERMITS.includes(from.kind)
}

export function isMinor(from: Draft, today: Day): boolean {
  const birth = birthOf(from, today)
  return birth !== null && ageOn(birth, today) < ADULT
}

export function isChild(from: Draft, today: Day): boolean {
  const birth = birthOf(from, today)
  return birth !== null && ageOn(birth, today) < CHILD
}

/** This will tell which steps this guest has to go through, in order. */
export function stepsOf(from: Draft, view: RegistrationView, today: Day): readonly string[] {
  const steps = ['kind', 'number', 'name', 'person']
  if (placesOf(view) > 1) steps.push('where')
  if (view.booking.guests_registered > 0 || isMinor(from, today)) steps.push('relation')
  if (isMinor(from, today)) steps.push('guardian')
  return [...steps, 'rules', 'notice', 'review']
}

/** This will write the draft as the server wants it; call it only when every step is complete. */
export function bodyOf(from: Draft, view: RegistrationView, today: Day): GuestBody {
  const nationality = nationalityOf(from, today)
  const type = from.kind === 'foreign_passport' && nationality === 'CHN' ? 'prc_passport' : (from.kind as DocumentType)
  const valid = typedDay(from.validUntil)
  const latin = from.latin.trim()
  const where = whereOf(from, view)
  return {
    native_name: from.native.trim() || latin,
    ...(latin ? { latin_name: latin.toUpperCase() } : {}),
    sex: sexOf(from, today) as Sex,
    birth_date: isoDay(birthOf(from, today)!),
    nationality,
    document: {
      type,
      number: tidyNumber(from.number),
      ...(isForeign(from) ? { issuing_country: from.kind === 'foreign_permanent_residence' ? 'CHN' : nationality } : {}),
      ...(valid ? { valid_until: isoDay(valid) } : {}),
    },
    ...(from.phone.trim() ? { phone: tidyPhone(from.phone) } : {}),
    ...where,
    relation_to_booker: from.relation || 'self',
    ...(isMinor(from, today) ? { guardian: guardianOf(from) } : {}),
    house_rules_version: view.house_rules.version,
    notice_version: view.notice.version,
    ...(from.overlap ? { overlap_reason: from.overlap } : {}),
  }
}

/** This will drop what people put between digits; a leading + stays. */
export function tidyPhone(typed: string): string {
  return typed.normalize('NFKC').replace(/[\s\-().]/g, '')
}

/** This will tell whether that can be a phone: a mainland mobile number, or + and a number abroad. */
export function isPhone(typed: string): boolean {
  const phone = tidyPhone(typed)
  return /^(\+?86)?1[3-9]\d{9}$/.test(phone) || (/^\+[1-9]\d{5,14}$/.test(phone) && !/^\+86/.test(phone))
}

function placesOf(view: RegistrationView): number {
  return view.rooms.reduce((sum, room) => sum + Math.max(1, room.beds.length), 0)
}

function whereOf(from: Draft, view: RegistrationView): { room_id?: string; bed_id?: string } {
  if (from.roomId) return { room_id: from.roomId, ...(from.bedId ? { bed_id: from.bedId } : {}) }
  const room = view.rooms[0]
  if (!room || placesOf(view) > 1) return {}
  return { room_id: room.id, ...(room.beds[0] ? { bed_id: room.beds[0].id } : {}) }
}

function guardianOf(from: Draft) {
  return {
    name: from.guardianName.trim(), relation: from.guardianRelation, phone: tidyPhone(from.guardianPhone),
    ...(from.guardianStay && from.guardianStay !== AWAY ? { in_same_stay: from.guardianStay } : {}),
  }
}

// Session storage, not local: a phone that throws the tab away while the guest looks for the passport should not lose it all,
// but a closed tab leaves no document number behind. WeChat keeps a mini program's memory itself.
function readKept(): Draft | null {
  // #ifdef H5
  try {
    return JSON.parse(sessionStorage.getItem('linli.draft') ?? 'null') as Draft | null
  } catch {
    return null
  }
  // #endif
  // #ifndef H5
  return null
  // #endif
}

// #ifdef H5
if (typeof sessionStorage !== 'undefined') {
  watch(draft, (now) => {
    try {
      if (now.booking) sessionStorage.setItem('linli.draft', JSON.stringify(now))
      else sessionStorage.removeItem('linli.draft')
    } catch {
      // No storage in some private windows: typing still works.
    }
  }, { flush: 'sync' })
}
// #endif
