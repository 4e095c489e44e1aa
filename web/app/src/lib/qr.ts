/** Drawing a pass as a QR code without asking anybody else's server. */

import qrcode from 'qrcode-generator'

export interface QrPicture {
  /** A GIF as data URI: browsers and WeChat both show it. */
  readonly src: string
  /** CSS pixels, a whole number for each module. */
  readonly width: number
}

// ISO/IEC 18004: four modules of silence around the code.
const QUIET = 4

/** This will draw `text` as large as fits into `room` CSS pixels. 120 characters at level M are 45 × 45 modules. */
export function drawQr(text: string, room: number): QrPicture {
  const code = qrcode(0, 'M')
  code.addData(text, 'Byte')
  code.make()
  const modules = code.getModuleCount() + 2 * QUIET
  const cell = Math.max(2, Math.floor(room / modules))
  return { src: code.createDataURL(cell, cell * QUIET), width: cell * modules }
}
