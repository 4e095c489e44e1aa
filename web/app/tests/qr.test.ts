import { describe, expect, it } from 'vitest'
import { drawQr } from '../src/lib/qr'

describe('the drawn code', () => {
  it('gives every module a whole number of pixels and never exceeds its room', () => {
    const pass = 'A'.repeat(120) // 45 modules and the quiet zone of 4 on each side
    for (const room of [280, 320, 335, 480]) {
      const { width, src } = drawQr(pass, room)
      expect(width % 53).toBe(0)
      expect(width).toBeLessThanOrEqual(room)
      expect(src).toMatch(/^data:image\/gif;base64,/)
    }
  })
})
