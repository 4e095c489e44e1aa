import { describe, expect, it } from 'vitest'
import { codeAt, goodUntil, GRACE_MS, secondsLeft, sheafOf, wantsRefill } from '../src/lib/rotation'

const START = Date.parse('2025-06-12T14:00:00Z')
const WINDOW = 30_000

function answer(count = 20, now = START) {
  const codes = Array.from({ length: count }, (_, place) => ({
    start: new Date(START + place * WINDOW).toISOString(),
    end: new Date(START + (place + 1) * WINDOW).toISOString(),
    code: `code-${place}`,
  }))
  return { codes, now: new Date(now).toISOString() }
}

describe('the moving code', () => {
  it('turns every thirty seconds, on the boundary itself', () => {
    const sheaf = sheafOf(answer(), START)
    expect(codeAt(sheaf, START)?.text).toBe('code-0')
    expect(codeAt(sheaf, START + WINDOW - 1)?.text).toBe('code-0')
    expect(codeAt(sheaf, START + WINDOW)?.text).toBe('code-1')
    expect(codeAt(sheaf, START + 19 * WINDOW)?.text).toBe('code-19')
  })

  it('follows the server when the phone is three hours wrong', () => {
    const phone = START - 3 * 3_600_000
    const sheaf = sheafOf(answer(), phone)
    expect(codeAt(sheaf, phone + WINDOW)?.text).toBe('code-1')
    expect(goodUntil(sheaf)).toBe(phone + 20 * WINDOW)
    expect(secondsLeft(codeAt(sheaf, phone + 1_000)!, sheaf, phone + 1_000)).toBe(29)
  })

  it('shows the last code one window longer, as the gate allows, and then none', () => {
    const sheaf = sheafOf(answer(), START)
    const end = START + 20 * WINDOW
    expect(codeAt(sheaf, end + GRACE_MS - 1)?.text).toBe('code-19')
    expect(codeAt(sheaf, end + GRACE_MS)).toBeNull()
    expect(secondsLeft(codeAt(sheaf, end)!, sheaf, end)).toBe(0)
  })

  it('asks for more when half is used, when empty, when none was ever had', () => {
    const sheaf = sheafOf(answer(), START)
    expect(wantsRefill(sheaf, START)).toBe(false)
    expect(wantsRefill(sheaf, START + 5 * 60_000 + 1)).toBe(true)
    expect(wantsRefill(sheafOf(answer(0), START), START)).toBe(true)
    expect(wantsRefill(null, START)).toBe(true)
    expect(codeAt(sheafOf(answer(0), START), START)).toBeNull()
    expect(goodUntil(sheafOf(answer(0), START))).toBeNull()
  })

  it('is put in order and rid of nonsense', () => {
    const { codes, now } = answer(3)
    const odd = [...codes].reverse().concat([{ start: 'x', end: 'y', code: 'bad' }])
    const sheaf = sheafOf({ codes: odd, now }, START)
    expect(sheaf.codes.map((code) => code.text)).toEqual(['code-0', 'code-1', 'code-2'])
    expect(sheafOf({ codes, now: 'nonsense' }, START).skew).toBe(0)
  })
})
