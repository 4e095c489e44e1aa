import { describe, expect, it } from 'vitest'
import en from '../../locale/app.en.json'
import zh from '../../locale/app.zh-Hans.json'
import { DOCUMENT_TYPES } from '../src/lib/identity'

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

describe('the two languages', () => {
  it('say the same things, with the same blanks to fill', () => {
    expect(Object.keys(en)).toEqual(Object.keys(zh))
    for (const [key, text] of Object.entries(en)) expect(names(text), key).toEqual(names(zh[key as keyof typeof zh]))
  })

  it('leave nothing empty, and every key is the app’s own', () => {
    for (const [key, text] of [...Object.entries(en), ...Object.entries(zh)]) {
      expect(key).toMatch(/^app\./)
      expect(text.trim(), key).not.toBe('')
    }
  })

  it('have a name and a hint for every document', () => {
    for (const kind of DOCUMENT_TYPES) {
      expect(en).toHaveProperty([`app.kind.${kind}`])
      expect(en).toHaveProperty([`app.number.hint.${kind}`])
    }
  })
})
