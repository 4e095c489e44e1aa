/** Doing something again and again while a page is shown, and not a moment longer. */

import { onHide, onShow, onUnload } from '@dcloudio/uni-app'

/** This will run `work` at once when the page is shown and then every `everyMs`, until it is hidden or left. */
export function whileShown(everyMs: number, work: () => void): void {
  let timer: ReturnType<typeof setInterval> | undefined
  const stop = () => {
    if (timer !== undefined) clearInterval(timer)
    timer = undefined
  }
  onShow(() => {
    stop()
    work()
    timer = setInterval(work, everyMs)
  })
  onHide(stop)
  onUnload(stop)
}
