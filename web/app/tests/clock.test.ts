import { describe, expect, it } from 'vitest'
import { birthWords, dayWords, estateDay, estateTime, momentWords, nightsBetween } from '../src/lib/clock'

const LATE = Date.parse('2025-06-12T18:05:00Z') // 02:05 on the 13th at the estate

describe('the estate’s clock', () => {
  it('is eight hours ahead, whatever the phone thinks', () => {
    expect(estateDay(LATE)).toEqual({ year: 2025, month: 6, day: 13 })
    expect(estateTime(LATE)).toBe('02:05')
  })

  it('speaks both languages', () => {
    expect(dayWords(LATE, 'en')).toBe('Fri 13 Jun')
    expect(dayWords(LATE, 'zh-Hans')).toBe('6月13日 周五')
    expect(momentWords(LATE, 'en')).toBe('Fri 13 Jun 02:05')
    expect(birthWords({ year: 1990, month: 3, day: 7 }, 'zh-Hans')).toBe('1990年3月7日')
    expect(birthWords({ year: 1990, month: 3, day: 7 }, 'en')).toBe('7 Mar 1990')
  })

  it('counts nights by the calendar, none for a few hours', () => {
    expect(nightsBetween(Date.parse('2025-06-12T06:00:00Z'), Date.parse('2025-06-14T04:00:00Z'))).toBe(2)
    expect(nightsBetween(Date.parse('2025-06-12T06:00:00Z'), Date.parse('2025-06-12T11:00:00Z'))).toBe(0)
    expect(nightsBetween(LATE, LATE - 1)).toBe(0)
  })
})
