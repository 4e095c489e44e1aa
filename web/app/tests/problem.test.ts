import { describe, expect, it } from 'vitest'
import { Problem, problemBody } from '../src/api/problem'

const SAID = { zh: '这张床刚刚有人了。', en: 'That bed has just been taken.' }

describe('a problem', () => {
  it('puts its sentence at the field it names', () => {
    const problem = new Problem(409, { code: 'bed_taken', message: SAID, field: 'bed_id' })
    expect(problem.fields).toEqual({ bed_id: SAID })
    expect(problem.said).toEqual(SAID)
    expect(problem.passing).toBe(false)
  })

  it('spreads several errors over their fields, however the path is written', () => {
    const problem = new Problem(422, {
      errors: [
        { field: 'document.number', message: SAID },
        { loc: ['body', 'payload', 'guardian', 'phone'], message: 'wrong' },
        { field: 'body.sex' },
      ],
      detail: 'unreadable',
    })
    expect(Object.keys(problem.fields)).toEqual(['document.number', 'guardian.phone', 'sex'])
    expect(problem.fields['guardian.phone']).toEqual({ zh: 'wrong', en: 'wrong' })
  })

  it('may be tried again when it is of the moment', () => {
    expect([0, 429, 502, 503].map((status) => new Problem(status, null).passing)).toEqual([true, true, true, true])
    expect([400, 401, 409, 422, 500].map((status) => new Problem(status, null).passing)).toEqual([false, false, false, false, false])
    expect(new Problem(401, null).strangerToken).toBe(true)
  })

  it('is not made out of a proxy’s page', () => {
    expect(problemBody('<html>Bad gateway</html>')).toBeNull()
    expect(problemBody('')).toBeNull()
    expect(problemBody('[1]')).toBeNull()
    expect(problemBody('{"code":"x"}')).toEqual({ code: 'x' })
  })
})
