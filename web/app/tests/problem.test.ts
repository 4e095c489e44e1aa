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

  it('spreads several errors over their fields, however many', () => {
    const problem = new Problem(422, {
      code: 'malformed',
      message: SAID,
      field: 'document.number',
      details: { errors: [{ field: 'document.number', message: 'x' }, { field: 'body.sex' }, {}] },
    })
    expect(Object.keys(problem.fields)).toEqual(['document.number', 'sex'])
    expect(problem.fields.sex?.zh).toMatch(/核对/)
  })

  it('belongs to a field even when it names none, and knows a key that is spent', () => {
    expect(new Problem(409, { code: 'already_staying', message: SAID }).fields).toEqual({ overlap_reason: SAID })
    expect(new Problem(422, { code: 'key_reused', message: SAID })).toMatchObject({ spentKey: true, fields: {} })
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
