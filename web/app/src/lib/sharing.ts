/** Handing a link on: the phone's own share sheet where there is one, else the clipboard. */

import { visitLink } from './visits'

export type Handed = 'shared' | 'copied' | 'neither'

/** This will hand on the link of an invitation. */
export async function shareLink(token: string, text: string): Promise<Handed> {
  let link = visitLink('', token)
  // #ifdef H5
  link = visitLink(window.location.href, token)
  if (typeof navigator.share === 'function') {
    try {
      await navigator.share({ text, url: link })
      return 'shared'
    } catch (problem) {
      // The person closed the sheet: that is an answer, not a fault.
      if (problem instanceof DOMException && problem.name === 'AbortError') return 'neither'
    }
  }
  try {
    await navigator.clipboard.writeText(link)
    return 'copied'
  } catch {
    // Without a secure context there is no clipboard; uni-app copies by a hidden field.
  }
  // #endif
  return new Promise((resolve) => {
    uni.setClipboardData({ data: link, showToast: false, success: () => resolve('copied'), fail: () => resolve('neither') })
  })
}
