/** When a visitor may come: days from today on, quarter hours, how long; and the link that is the visitor's whole key. */

import { dayWords, estateDay } from './clock'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ESTATE_OFFSET_MS = 8 * HOUR_MS
// Appendix A4: at most twelve hours, and never past eleven at night.
const LONGEST_H = 12
const LAST_HOUR = 23

/** This will return the estate's midnight before an instant. */
export function estateMidnight(at: number): number {
  return Math.floor((at + ESTATE_OFFSET_MS) / DAY_MS) * DAY_MS - ESTATE_OFFSET_MS
}

/** This will list the days one may ask somebody in for, today first unless the day is over. */
export function visitDays(now: number, locale: 'zh-Hans' | 'en', count = 14): readonly { value: string; label: string }[] {
  const first = estateMidnight(now)
  const open = startHours(String(first), now).length > 0 ? 0 : 1
  return Array.from({ length: count }, (_, place) => {
    const midnight = first + (place + open) * DAY_MS
    return { value: String(midnight), label: dayWords(midnight, locale) }
  })
}

/** This will list the half hours of a day at which a visit may begin, those gone by left out; the present one is `hh:mm` of now. */
export function startHours(midnight: string, now: number): readonly { value: string; label: string }[] {
  const hours = Array.from({ length: LAST_HOUR * 2 }, (_, half) => half * 30)
  const due = hours.filter((minute) => Number(midnight) + minute * 60_000 > now - 15 * 60_000)
  return due.map((minute) => ({ value: String(minute), label: clockWords(minute) }))
}

/** This will list how many hours a visit may last from a minute of the day; the last one ends at eleven at night. */
export function lengths(startMinute: number): readonly number[] {
  const most = Math.min(LONGEST_H, (LAST_HOUR * 60 - startMinute) / 60)
  return [...new Set([1, 2, 4, 8, most].filter((hours) => hours > 0 && hours <= most))]
}

/** This will return the period in the words of the server. */
export function visitPeriod(midnight: string, startMinute: number, hours: number): { start: string; end: string } {
  const start = Number(midnight) + startMinute * 60_000
  return { start: new Date(start).toISOString(), end: new Date(start + hours * HOUR_MS).toISOString() }
}

/** This will name the choice that is nearest to now. */
export function firstChoice(now: number): { day: string; start: string } {
  const today = String(estateMidnight(now))
  const [hour] = startHours(today, now)
  return hour ? { day: today, start: hour.value } : { day: String(estateMidnight(now) + DAY_MS), start: '600' }
}

/** This will say whether two instants lie on one of the estate's days. */
export function sameDay(a: number, b: number): boolean {
  const [x, y] = [estateDay(a), estateDay(b)]
  return x.year === y.year && x.month === y.month && x.day === y.day
}

/** This will return the address a visitor opens, on whatever prefix this page lives. */
export function visitLink(here: string, token: string): string {
  return `${here.split('#')[0] ?? ''}#/pages/visit/visit?t=${encodeURIComponent(token)}`
}

function clockWords(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
