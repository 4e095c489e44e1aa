import { describe, expect, it } from 'vitest'
import { ageOn, checkCharacter, isBirthDay, isoDay, readNumber, tidyNumber } from '../src/lib/identity'

const TODAY = { year: 2025, month: 6, day: 12 }

describe('a resident ID number', () => {
  it.each(['510108199003070010', '510108201202290024'])('is accepted when its check digit holds: %s', (number) => {
    expect(readNumber('resident_id', number, TODAY).state).toBe('good')
  })

  it('tells birth date and sex', () => {
    const reading = readNumber('resident_id', '510108199003070010', TODAY)
    expect(reading.birth).toEqual({ year: 1990, month: 3, day: 7 })
    expect(reading.sex).toBe('male')
    expect(readNumber('resident_id', '510108201202290024', TODAY).sex).toBe('female')
  })

  it('is refused at the last digit when one digit is wrong, whichever it is', () => {
    const good = '510108199003070010'
    for (const place of [0, 5, 8, 14, 15, 16]) {
      const other = String((Number(good[place]) + 1) % 10)
      const wrong = good.slice(0, place) + other + good.slice(place + 1)
      expect(readNumber('resident_id', wrong, TODAY).state, `place ${place}`).toBe('bad')
    }
  })

  it('may close with X, typed small or wide', () => {
    const seventeen = ['51010819900307001', '51010819900307002', '51010819900307003', '51010819900307004', '51010819900307005',
      '51010819900307006', '51010819900307007', '51010819900307008', '51010819900307009', '51010819900307011',
      '51010819900307012'].find((text) => checkCharacter(text) === 'X')
    expect(seventeen).toBeDefined()
    expect(readNumber('resident_id', `${seventeen}x`, TODAY).state).toBe('good')
    expect(readNumber('resident_id', `${seventeen}Ｘ`, TODAY).state).toBe('good')
  })

  it('with a day that never was, or is yet to come, is refused as a date', () => {
    expect(readNumber('resident_id', '51010819900230001', TODAY)).toMatchObject({ state: 'bad', fault: 'date' })
    expect(readNumber('resident_id', '51010820260101001', TODAY)).toMatchObject({ state: 'bad', fault: 'date' })
    expect(readNumber('resident_id', '51010818900101001', TODAY)).toMatchObject({ state: 'bad', fault: 'date' })
  })

  it('is only begun while digits are missing, and says when it is the old fifteen', () => {
    expect(readNumber('resident_id', '510108', TODAY)).toEqual({ state: 'partial' })
    expect(readNumber('resident_id', '510108900307001', TODAY)).toEqual({ state: 'partial', fault: 'old' })
    expect(readNumber('resident_id', '', TODAY)).toEqual({ state: 'empty' })
    expect(readNumber('resident_id', '5101081990030700101', TODAY).fault).toBe('form')
    expect(readNumber('resident_id', "5101'; DROP", TODAY).fault).toBe('form')
  })

  it('of a Hong Kong, Macao or Taiwan residence card is pointed to the right kind', () => {
    expect(readNumber('resident_id', '810000198506150039', TODAY)).toEqual({ state: 'bad', fault: 'region' })
    expect(readNumber('hmt_residence_card', '810000198506150039', TODAY).state).toBe('good')
    expect(readNumber('hmt_residence_card', '830000197712010044', TODAY)).toMatchObject({ state: 'good', sex: 'female' })
  })
})

describe('other documents', () => {
  it('a permanent residence card of 2023 tells the country, one of 2017 has letters first', () => {
    expect(readNumber('foreign_permanent_residence', '911840198808080055', TODAY)).toMatchObject({ state: 'good', country: '840' })
    expect(readNumber('foreign_permanent_residence', 'USA510188080801', TODAY).state).toBe('good')
    expect(readNumber('foreign_permanent_residence', 'US', TODAY).state).toBe('partial')
  })

  it.each([
    ['hk_macao_permit', 'H12345678', 'good'],
    ['hk_macao_permit', 'M1234567801', 'good'],
    ['hk_macao_permit', 'K12345678', 'bad'],
    ['taiwan_permit', '12345678', 'good'],
    ['taiwan_permit', '1234', 'partial'],
    ['foreign_passport', 'L898902C3', 'good'],
    ['foreign_passport', 'e 1234-5678', 'good'],
    ['foreign_passport', 'ABC', 'partial'],
    ['foreign_passport', '<script>', 'bad'],
    ['birth_certificate', 'T510123456', 'good'],
    ['prc_passport', 'E12345678', 'good'],
    ['prc_passport', 'EI1234567', 'bad'],
    ['household_book', '510108201202290024', 'good'],
    ['police_certificate', '成公临证2025001', 'good'],
  ] as const)('%s %s is %s', (type, number, state) => {
    expect(readNumber(type, number, TODAY).state).toBe(state)
  })
})

describe('days', () => {
  it('tidies what is pasted', () => {
    expect(tidyNumber(' 5101 0819-9003 ０７ ')).toBe('5101081990' + '0307')
  })

  it('counts an age on the day itself, and a leap day from the first of March', () => {
    expect(ageOn({ year: 2007, month: 6, day: 12 }, TODAY)).toBe(18)
    expect(ageOn({ year: 2007, month: 6, day: 13 }, TODAY)).toBe(17)
    expect(ageOn({ year: 2012, month: 2, day: 29 }, { year: 2026, month: 2, day: 28 })).toBe(13)
    expect(ageOn({ year: 2012, month: 2, day: 29 }, { year: 2026, month: 3, day: 1 })).toBe(14)
  })

  it('knows which days can be a birth', () => {
    expect(isBirthDay({ year: 2024, month: 2, day: 29 }, TODAY)).toBe(true)
    expect(isBirthDay({ year: 2023, month: 2, day: 29 }, TODAY)).toBe(false)
    expect(isBirthDay({ year: 1990, month: 13, day: 1 }, TODAY)).toBe(false)
    expect(isBirthDay(TODAY, TODAY)).toBe(true)
    expect(isBirthDay({ year: 2025, month: 6, day: 13 }, TODAY)).toBe(false)
    expect(isoDay({ year: 1990, month: 3, day: 7 })).toBe('1990-03-07')
  })
})
