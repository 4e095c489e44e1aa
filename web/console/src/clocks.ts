/** A device's clock against ours: `+0.4 s`, `−95 s`. */
export function driftWords(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  const seconds = Math.abs(ms) / 1000;
  return `${ms < 0 ? '−' : '+'}${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** Past this a clock is worth an alarm. */
export const DRIFT_LIMIT_MS = 30_000;

/** A minute of the day as `hh:mm`. */
export const minuteWords = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
