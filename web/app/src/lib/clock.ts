/** Days and times as the estate's clocks show them, whatever zone the guest's phone is in. */

import type { Day } from './identity'

// Asia/Shanghai has been UTC+8 without summer time since 1991; WeChat has no Intl to ask.
const ESTATE_OFFSET_MS = 8 * 3_600_000
const DAY_MS = 86_400_000

type Locale = 'zh-Hans' | 'en'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const WEEKDAYS: Record<Locale, readonly string[]> = {
  'zh-Hans': ['周日', '周一', '周二', '周三', '周四', '周五', '周六'],
  en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
}

/** This will return the calendar day at the estate for an instant in milliseconds. */
export function estateDay(at: number): Day {
  const local = new Date(at + ESTATE_OFFSET_MS)
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() }
}

/** This will write `hh:mm` on the estate's clock. */
export function estateTime(at: number): string {
  const local = new Date(at + ESTATE_OFFSET_MS)
  return `${String(local.getUTCHours()).padStart(2, '0')}:${String(local.getUTCMinutes()).padStart(2, '0')}`
}

/** This will write day and weekday, e.g. `6月12日 周四` or `Thu 12 Jun`. */
export function dayWords(at: number, locale: Locale): string {
  const { month, day } = estateDay(at)
  const weekday = WEEKDAYS[locale][new Date(at + ESTATE_OFFSET_MS).getUTCDay()]
  return locale === 'en' ? `${weekday} ${day} ${MONTHS[month - 1]}` : `${month}月${day}日 ${weekday}`
}

/** This will write day and time together. */
export function momentWords(at: number, locale: Locale): string {
  return `${dayWords(at, locale)} ${estateTime(at)}`
}

/** This will count the nights between two instants on the estate's calendar; 0 for a stay within one day. */
export function nightsBetween(from: number, to: number): number {
  return Math.max(0, Math.floor((to + ESTATE_OFFSET_MS) / DAY_MS) - Math.floor((from + ESTATE_OFFSET_MS) / DAY_MS))
}

/** This will write a birth date for reading: `2000年3月7日` or `7 March 2000`, month shortened. */
export function birthWords(day: Day, locale: Locale): string {
  return locale === 'en' ? `${day.day} ${MONTHS[day.month - 1]} ${day.year}` : `${day.year}年${day.month}月${day.day}日`
}
