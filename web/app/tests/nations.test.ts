import { describe, expect, it } from 'vitest'
import { findNations, nationByNumber, nationName, NATIONS } from '../src/lib/nations'

describe('countries', () => {
  it('are found by either name, by code, by what people say; the likeliest first', () => {
    expect(findNations('swe')[0]?.code).toBe('SWE')
    expect(findNations('韩国')[0]?.code).toBe('KOR')
    expect(findNations('UK')[0]?.code).toBe('GBR')
    expect(findNations('niger').map(({ code }) => code).slice(0, 2)).toEqual(['NER', 'NGA'])
    expect(findNations('  ')).toEqual([])
    expect(findNations('<b>')).toEqual([])
  })

  it('have a code of three letters each, once, and a name in both languages', () => {
    expect(new Set(NATIONS.map(({ code }) => code)).size).toBe(NATIONS.length)
    for (const nation of NATIONS) expect(nation.code + nation.zh + nation.en, nation.code).toMatch(/^[A-Z]{3}\S.+/)
    expect(nationName('SWE', 'zh-Hans')).toBe('瑞典')
  })

  it('are read from a number, and nothing is read from none', () => {
    expect(nationByNumber('840')).toBe('USA')
    expect(nationByNumber('')).toBe('')
    expect(nationByNumber('000')).toBe('')
  })
})
