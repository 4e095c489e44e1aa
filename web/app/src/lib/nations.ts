/** Countries by their passport code, named in both languages and found by either name. */

import type { Language } from './words'
import rows from './nations.json'

export interface Nation {
  /** ISO 3166 alpha-3, or ICAO's XXA, XXB, XXX for people without a state. */
  readonly code: string
  readonly numeric: string
  readonly zh: string
  readonly en: string
}

export const NATIONS: readonly Nation[] = rows.map(([code, numeric, zh, en]) => ({ code: code!, numeric: numeric!, zh: zh!, en: en! }))

// What people actually type.
const ALSO: Readonly<Record<string, string>> = {
  USA: 'america us usa', GBR: 'uk england scotland wales britain british', KOR: 'korea 한국', JPN: '日本', NLD: 'holland',
  RUS: 'россия', DEU: 'deutschland', ARE: 'uae', CZE: 'czech', CIV: 'ivory coast', TUR: 'turkey',
}

/** This will find countries whose name, in either language, or code begins with or contains what was typed; best first. */
export function findNations(typed: string): readonly Nation[] {
  const wanted = typed.trim().toLowerCase()
  if (wanted === '') return []
  const found = NATIONS.map((nation) => ({ nation, rank: rankOf(nation, wanted) })).filter(({ rank }) => rank < 3)
  return found.sort((a, b) => a.rank - b.rank).map(({ nation }) => nation)
}

export function nationName(code: string, language: Language): string {
  const nation = NATIONS.find((row) => row.code === code)
  return nation ? (language === 'en' ? nation.en : nation.zh) : code
}

/** This will return the alpha-3 code for an ISO numeric one, or an empty string. */
export function nationByNumber(numeric: string): string {
  return NATIONS.find((row) => row.numeric !== '' && row.numeric === numeric)?.code ?? ''
}

function rankOf(nation: Nation, wanted: string): number {
  const english = nation.en.toLowerCase()
  const said = (ALSO[nation.code] ?? '').split(' ')
  if (nation.code.toLowerCase() === wanted || english === wanted || nation.zh === wanted || said.includes(wanted)) return 0
  if (english.startsWith(wanted) || nation.zh.startsWith(wanted)) return 1
  return english.includes(wanted) || nation.zh.includes(wanted) ? 2 : 3
}
