/** Keeping the screen lit while a code is shown: a phone that dims in front of the reader is a guest in the rain. */

export interface Awake {
  on(): void
  off(): void
}

/** This will return a switch for the screen's sleep; where the phone offers none, it does nothing. */
export function staysAwake(): Awake {
  // #ifdef H5
  let lock: WakeLockSentinel | null = null
  return {
    on: () => {
      navigator.wakeLock?.request('screen').then((held) => (lock = held)).catch(() => undefined)
    },
    off: () => {
      lock?.release().catch(() => undefined)
      lock = null
    },
  }
  // #endif
  // #ifndef H5
  return { on: () => uni.setKeepScreenOn({ keepScreenOn: true }), off: () => uni.setKeepScreenOn({ keepScreenOn: false }) }
  // #endif
}
