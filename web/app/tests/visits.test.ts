import { expect, it } from 'vitest'
import { estateMidnight, firstChoice, lengths, sameDay, startHours, visitDays, visitLink, visitPeriod } from '../src/lib/visits'

const NOON = Date.parse('2025-06-12T12:07:00+08:00')
const LATE = Date.parse('2025-06-12T23:20:00+08:00')

it('a visit never lasts past eleven at night, nor longer than twelve hours', () => {
  expect(lengths(21 * 60 + 30)).toEqual([1, 1.5])
  expect(lengths(8 * 60)).toEqual([1, 2, 4, 8, 12])
  expect(lengths(22 * 60 + 30)).toEqual([0.5])
  expect(lengths(23 * 60)).toEqual([])
})

it('hours gone by are not offered, and late at night the first day is tomorrow', () => {
  const today = String(estateMidnight(NOON))
  expect(startHours(today, NOON)[0]?.label).toBe('12:00')
  expect(startHours(today, NOON + 9 * 60_000)[0]?.label).toBe('12:30')
  expect(visitDays(NOON, 'en')[0]?.label).toBe('Thu 12 Jun')
  expect(visitDays(LATE, 'en')[0]?.label).toBe('Fri 13 Jun')
  expect(firstChoice(LATE)).toEqual({ day: String(estateMidnight(LATE) + 86_400_000), start: '600' })
})

it('a period is the estate’s clock, whatever zone the phone is in', () => {
  expect(visitPeriod(String(estateMidnight(NOON)), 14 * 60, 2)).toEqual({ start: '2025-06-12T06:00:00.000Z', end: '2025-06-12T08:00:00.000Z' })
  expect(sameDay(NOON, LATE)).toBe(true)
  expect(sameDay(NOON, LATE + 3_600_000)).toBe(false)
})

it('the link stays under the page’s own address, without what stood behind it', () => {
  expect(visitLink('https://estate.example/x/m/#/pages/visit/invite?id=1', 'a:b')).toBe('https://estate.example/x/m/#/pages/visit/visit?t=a%3Ab')
})
