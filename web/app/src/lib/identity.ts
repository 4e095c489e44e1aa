/** What a document number says by itself: its form, its check digit, and what can be read out of it. */

export const DOCUMENT_TYPES = [
  'resident_id',
  'hk_macao_permit',
  'taiwan_permit',
  'hmt_residence_card',
  'foreign_permanent_residence',
  'foreign_passport',
  'prc_passport',
  'household_book',
  'birth_certificate',
  'police_certificate',
] as const
export type DocumentType = (typeof DOCUMENT_TYPES)[number]
export type Sex = 'male' | 'female' | 'unspecified'

/** A calendar day without a zone, as documents print it. */
export interface Day {
  readonly year: number
  readonly month: number
  readonly day: number
}

export type NumberState = 'empty' | 'partial' | 'good' | 'bad'
export type NumberFault = 'form' | 'check_digit' | 'date' | 'old' | 'region'

export interface NumberReading {
  readonly state: NumberState
  readonly fault?: NumberFault
  readonly birth?: Day
  readonly sex?: Sex
  /** ISO 3166 numeric, when the number carries it (permanent residence card of 2023). */
  readonly country?: string
}

// GB 11643-1999 and GB/T 17710: weights for the first 17 places; remainder of 11 picks the last character.
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK_CHARACTERS = '10X98765432'
const OLDEST_YEARS = 130

/** This will return the character that must close the given 17 digits (GB 11643-1999). */
export function checkCharacter(first17: string): string {
  const sum = WEIGHTS.reduce((total, weight, place) => total + weight * Number(first17[place]), 0)
  return CHECK_CHARACTERS[sum % 11]!
}

/** This will tidy what people type or paste: full-width letters, spaces, dashes, small letters. */
export function tidyNumber(raw: string): string {
  return raw.normalize('NFKC').replace(/[\s\-‐-―_.·()[\]【】第号字]/g, '').toUpperCase()
}

/** This will tell whether that day exists and lies within a human life before `today`. */
export function isBirthDay(day: Day, today: Day): boolean {
  const at = new Date(Date.UTC(day.year, day.month - 1, day.day))
  const exists = at.getUTCFullYear() === day.year && at.getUTCMonth() === day.month - 1 && at.getUTCDate() === day.day
  return exists && ordinal(day) <= ordinal(today) && today.year - day.year <= OLDEST_YEARS
}

/** This will return the age in whole years on `today`; a 29 February counts from 1 March in common years. */
export function ageOn(birth: Day, today: Day): number {
  const had = today.month > birth.month || (today.month === birth.month && today.day >= birth.day)
  return today.year - birth.year - (had ? 0 : 1)
}

/** This will write a day as `YYYY-MM-DD`. */
export function isoDay(day: Day): string {
  const two = (part: number) => String(part).padStart(2, '0')
  return `${String(day.year).padStart(4, '0')}-${two(day.month)}-${two(day.day)}`
}

/** This will read a number as the given kind of document; it never throws. */
export function readNumber(type: DocumentType, raw: string, today: Day): NumberReading {
  const text = tidyNumber(raw)
  return text === '' ? { state: 'empty' } : READERS[type](text, today)
}

const READERS: Record<DocumentType, (text: string, today: Day) => NumberReading> = {
  resident_id: readResidentId,
  household_book: readResidentId,
  hmt_residence_card: (text, today) => readEighteen(text, today, /^8[123]0000/),
  foreign_permanent_residence: readPermanentResidence,
  hk_macao_permit: shaped(/^[HM](\d{8}|\d{10})$/, /^[HM]\d{0,10}$/),
  taiwan_permit: shaped(/^(\d{8}|\d{10}|\d{8}[A-Z])$/, /^\d{0,10}$/),
  foreign_passport: shaped(/^(?=.*\d)[A-Z0-9]{5,20}$/, /^[A-Z0-9]{0,20}$/),
  prc_passport: shaped(/^(E\d{8}|E[A-HJ-NP-Z]\d{7}|G\d{8}|[DSP]E?\d{7,8})$/, /^(E[A-HJ-NP-Z]?|[DSP]E?|G)\d{0,8}$/),
  police_certificate: shaped(/^(?=.*\d)[A-Z0-9\u4e00-\u9fff]{4,30}$/, /^[A-Z0-9\u4e00-\u9fff]{0,30}$/),
  birth_certificate: shaped(/^[A-Z]\d{9}$/, /^[A-Z]\d{0,9}$/),
}

function readResidentId(text: string, today: Day): NumberReading {
  // A residence card of a Hong Kong, Macao or Taiwan resident looks alike but is another document.
  if (/^8[123]0000/.test(text)) return { state: 'bad', fault: 'region' }
  return readEighteen(text, today, /^[1-9]/)
}

function readPermanentResidence(text: string, today: Day): NumberReading {
  if (/^[A-Z]/.test(text)) return shaped(/^[A-Z]{3}\d{12}$/, /^[A-Z]{0,3}\d{0,12}$/)(text)
  const reading = readEighteen(text, today, /^9/)
  // That the sequence tells the sex is confirmed for citizens' numbers only.
  const { sex: _unsure, ...sure } = reading
  return text.length >= 6 ? { ...sure, country: text.slice(3, 6) } : sure
}

function readEighteen(text: string, today: Day, start: RegExp): NumberReading {
  if (!/^\d{0,17}[\dX]?$/.test(text) || text.length > 18) return { state: 'bad', fault: 'form' }
  if (text.length === 15) return { state: 'partial', fault: 'old' }
  if (text.length >= 6 && !start.test(text)) return { state: 'bad', fault: 'form' }
  const birth = text.length >= 14 ? birthInside(text) : undefined
  if (birth && !isBirthDay(birth, today)) return { state: 'bad', fault: 'date' }
  if (text.length < 18) return { state: 'partial' }
  if (checkCharacter(text) !== text[17]) return { state: 'bad', fault: 'check_digit' }
  return { state: 'good', birth, sex: Number(text[16]) % 2 === 1 ? 'male' : 'female' }
}

function birthInside(text: string): Day {
  return { year: Number(text.slice(6, 10)), month: Number(text.slice(10, 12)), day: Number(text.slice(12, 14)) }
}

function shaped(whole: RegExp, begun: RegExp): (text: string) => NumberReading {
  return (text) => {
    if (whole.test(text)) return { state: 'good' }
    return begun.test(text) ? { state: 'partial' } : { state: 'bad', fault: 'form' }
  }
}

function ordinal(day: Day): number {
  return day.year * 10000 + day.month * 100 + day.day
}
