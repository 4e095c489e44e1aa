/** What is missing or wrong at each step, before anything is sent; and which step a server's complaint belongs to. */

import type { RegistrationView } from '@/api/shapes'
import { birthOf, isForeign, isMinor, isPhone, nationalityOf, numberReading, sexOf, stepsOf, typedDay, type Draft } from './draft'
import type { Day } from './identity'
import type { Word } from './words'

/** Field name as in the API → the sentence to show. */
export type Faults = Partial<Record<string, Word>>

type Check = (draft: Draft, view: RegistrationView, today: Day) => Faults

const CHECKS: Record<string, Check> = {
  kind: () => ({}),
  number: checkNumber,
  name: checkName,
  person: checkPerson,
  where: (draft, view) => {
    const room = view.rooms.find(({ id }) => id === draft.roomId)
    return room && (draft.bedId || room.beds.length === 0) ? {} : { bed_id: 'app.where.missing' }
  },
  relation: (draft) => (draft.relation ? {} : { relation_to_booker: 'app.relation.missing' }),
  guardian: checkGuardian,
  rules: (draft, view) => (draft.rules === view.house_rules.version ? {} : { house_rules_version: 'app.rules.missing' }),
  notice: (draft, view) => (draft.notice === view.notice.version ? {} : { notice_version: 'app.notice.missing' }),
  review: () => ({}),
}

/** This will return what keeps the guest from leaving that step; empty when all is well. */
export function faultsAt(step: string, draft: Draft, view: RegistrationView, today: Day): Faults {
  return CHECKS[step]?.(draft, view, today) ?? {}
}

const HOMES: readonly (readonly [RegExp, string])[] = [
  [/^document\.type$|^type$/, 'kind'],
  [/^document(\.|$)|^number$|^valid_until$|^issuing_country$|^mrz$/, 'number'],
  [/^guardian/, 'guardian'],
  [/name$/, 'name'],
  [/^(sex|birth_date|nationality|phone)$/, 'person'],
  [/^(room|bed)/, 'where'],
  [/^relation/, 'relation'],
  [/^house_rules/, 'rules'],
  [/^notice/, 'notice'],
]

/** This will return the first of the guest's steps that one of these fields belongs to, or null. */
export function stepOfFields(fields: readonly string[], draft: Draft, view: RegistrationView, today: Day): string | null {
  const homes = new Set(fields.map((field) => HOMES.find(([pattern]) => pattern.test(field))?.[1]))
  return stepsOf(draft, view, today).find((step) => homes.has(step)) ?? null
}

function checkNumber(draft: Draft, _view: RegistrationView, today: Day): Faults {
  const { state, fault } = numberReading(draft, today)
  const faults: Faults = {}
  if (state === 'empty') faults['document.number'] = 'app.number.missing'
  else if (state !== 'good') faults['document.number'] = `app.number.fault.${fault ?? 'form'}`
  const until = draft.validUntil
  if ((until.year || until.month || until.day) && !typedDay(until)) faults['document.valid_until'] = 'app.person.birth_bad'
  return faults
}

function checkName(draft: Draft): Faults {
  if (!isForeign(draft)) return draft.native.trim() ? {} : { native_name: 'app.name.missing' }
  if (!draft.latin.trim()) return { latin_name: 'app.name.missing' }
  return isLatin(draft.latin) ? {} : { latin_name: 'app.name.latin_bad' }
}

function checkPerson(draft: Draft, _view: RegistrationView, today: Day): Faults {
  const faults: Faults = {}
  if (!birthOf(draft, today)) faults.birth_date = 'app.person.birth_bad'
  if (!sexOf(draft, today)) faults.sex = 'app.person.sex_missing'
  if (!nationalityOf(draft, today)) faults.nationality = 'app.person.nationality_missing'
  const needed = !isForeign(draft) && !isMinor(draft, today) && faults.birth_date === undefined
  if (draft.phone.trim() ? !isPhone(draft.phone) : needed) faults.phone = 'app.person.phone_bad'
  return faults
}

function checkGuardian(draft: Draft, view: RegistrationView): Faults {
  const faults: Faults = {}
  if (!draft.guardianName.trim()) faults['guardian.name'] = 'app.guardian.name_missing'
  if (!draft.guardianRelation) faults['guardian.relation'] = 'app.guardian.relation_missing'
  if (!draft.guardianPhone.trim()) faults['guardian.phone'] = 'app.guardian.phone_missing'
  if (!draft.guardianStay && view.guests.length > 0) faults['guardian.in_same_stay'] = 'app.guardian.stay_missing'
  if (draft.guardianPhone.trim() && !isPhone(draft.guardianPhone)) faults['guardian.phone'] = 'app.person.phone_bad'
  return faults
}

function isLatin(name: string): boolean {
  return /^[\p{Script=Latin}\p{M}\s'’.,-]+$/u.test(name)
}
