import { describe, expect, it } from 'vitest'
import type { RegistrationView } from '../src/api/shapes'
import { bodyOf, emptyDraft, isMinor, isPhone, nationalityOf, stepsOf, type Draft } from '../src/lib/draft'
import { faultsAt, stepOfFields } from '../src/lib/faults'

const TODAY = { year: 2025, month: 6, day: 12 }

function view(registered = 0, rooms = [room('room_a', 'bed_1')]): RegistrationView {
  return {
    estate: { name_zh: '东方新城二期', name_en: 'Dongfang' },
    unit: { label: '7-2-1103', address: '' },
    booking: { id: 'bkg_1', arrive_at: '', leave_at: '', guests_expected: 3, guests_registered: registered, state: 'CONFIRMED' },
    rooms,
    guests: [],
    house_rules: { version: '2.0', zh: [], en: [] },
    notice: { version: '1', zh: '', en: '' },
  }
}

function room(id: string, ...beds: string[]) {
  return { id, label: id, places_free: beds.length, beds: beds.map((bed) => ({ id: bed, label: bed, free: true })) }
}

function adult(changes: Partial<Draft> = {}): Draft {
  return { ...emptyDraft('bkg_1'), kind: 'resident_id', number: '510108 19900307 0010', native: ' 王小明 ', phone: '138 0013 8000', ...changes }
}

function traveller(changes: Partial<Draft> = {}): Draft {
  return {
    ...emptyDraft('bkg_1'), kind: 'foreign_passport', number: 'l898902c3', latin: 'Eriksson Anna', nationality: 'SWE', sex: 'female',
    birth: { year: '1974', month: '8', day: '12' }, ...changes,
  }
}

describe('what is sent', () => {
  it('of a citizen is derived from the number where it can be', () => {
    expect(bodyOf(adult(), view(), TODAY)).toEqual({
      native_name: '王小明', sex: 'male', birth_date: '1990-03-07', nationality: 'CHN',
      document: { type: 'resident_id', number: '510108199003070010' }, phone: '13800138000', room_id: 'room_a', bed_id: 'bed_1',
      relation_to_booker: 'self', house_rules_version: '2.0', notice_version: '1',
    })
  })

  it('of a traveller has the Latin name in capitals, twice when there is no other, and no phone if none was given', () => {
    const body = bodyOf(traveller(), view(), TODAY)
    expect(body).toMatchObject({ native_name: 'Eriksson Anna', latin_name: 'ERIKSSON ANNA', nationality: 'SWE', birth_date: '1974-08-12' })
    expect(body.document).toEqual({ type: 'foreign_passport', number: 'L898902C3', issuing_country: 'SWE' })
    expect(body).not.toHaveProperty('phone')
    expect(body).not.toHaveProperty('guardian')
  })

  it('of a passport of China is called one', () => {
    expect(bodyOf(traveller({ nationality: 'CHN', number: 'E12345678' }), view(), TODAY).document.type).toBe('prc_passport')
  })

  it('leaves the bed open when several are free and none was chosen', () => {
    const body = bodyOf(adult({ roomId: 'room_b' }), view(0, [room('room_a', 'b1'), room('room_b', 'b2', 'b3')]), TODAY)
    expect(body.room_id).toBe('room_b')
    expect(body).not.toHaveProperty('bed_id')
  })

  it('of a minor carries the guardian, and the guardian\'s stay when there is one', () => {
    const child = adult({ number: '510108201202290024', phone: '', guardianName: '王大明', guardianRelation: 'father', guardianPhone: '13900139000', guardianStay: 'stay_1' })
    expect(bodyOf(child, view(1), TODAY).guardian).toEqual({
      name: '王大明', relation: 'father', phone: '13900139000', in_same_stay: 'stay_1',
    })
    expect(bodyOf({ ...child, guardianStay: 'away' }, view(1), TODAY).guardian).not.toHaveProperty('in_same_stay')
  })

  it('reads the nationality off a permanent residence card, and of a passport guesses none', () => {
    expect(nationalityOf(traveller({ kind: 'foreign_permanent_residence', number: '911840198808080055', nationality: '' }), TODAY)).toBe('USA')
    expect(nationalityOf(traveller({ nationality: '' }), TODAY)).toBe('')
  })
})

describe('the steps', () => {
  it('ask a lone adult in a single room for nothing needless', () => {
    expect(stepsOf(adult(), view(), TODAY)).toEqual(['kind', 'number', 'name', 'person', 'rules', 'notice', 'review'])
  })

  it('ask where to sleep when there is a choice, whom one is with from the second guest on, and a minor for the guardian', () => {
    const child = adult({ number: '510108201202290024' })
    expect(isMinor(child, TODAY)).toBe(true)
    expect(stepsOf(child, view(1, [room('a', '1', '2')]), TODAY)).toEqual(
      ['kind', 'number', 'name', 'person', 'where', 'relation', 'guardian', 'rules', 'notice', 'review'])
  })

  it('cannot be left incomplete', () => {
    expect(faultsAt('number', adult({ number: '510108199003070011' }), view(), TODAY)).toEqual({ 'document.number': 'app.number.fault.check_digit' })
    expect(faultsAt('name', traveller({ latin: '埃里克松' }), view(), TODAY)).toEqual({ latin_name: 'app.name.latin_bad' })
    expect(Object.keys(faultsAt('person', traveller({ birth: { year: '2030', month: '1', day: '1' }, sex: '', nationality: '' }), view(), TODAY)))
      .toEqual(['birth_date', 'sex', 'nationality'])
    expect(faultsAt('person', adult({ phone: '' }), view(), TODAY)).toEqual({ phone: 'app.person.phone_bad' })
    expect(faultsAt('person', traveller(), view(), TODAY)).toEqual({})
    expect(Object.keys(faultsAt('guardian', adult(), view(), TODAY))).toEqual(['guardian.name', 'guardian.relation', 'guardian.phone'])
    expect(faultsAt('rules', adult({ rules: '1.9' }), view(), TODAY)).toEqual({ house_rules_version: 'app.rules.missing' })
  })

  it('are where a complaint of the server is shown, the earliest first', () => {
    expect(stepOfFields(['phone', 'document.number'], adult(), view(), TODAY)).toBe('number')
    expect(stepOfFields(['latin_name'], traveller(), view(), TODAY)).toBe('name')
    expect(stepOfFields(['overlap_reason'], adult(), view(), TODAY)).toBeNull()
    expect(stepOfFields(['guardian.phone'], adult(), view(), TODAY)).toBeNull()
  })
})

describe('a phone number', () => {
  it.each(['13800138000', '+86 138-0013-8000', '+46 70 123 45 67', '+852 91234567'])('may be %s', (typed) => {
    expect(isPhone(typed)).toBe(true)
  })
  it.each(['123', '12345678901', '+86123', 'call me', '+0123456789'])('cannot be %s', (typed) => {
    expect(isPhone(typed)).toBe(false)
  })
})
