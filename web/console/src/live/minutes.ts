/** Passages counted by the minute, for the small chart beside the live list. */
export interface MinuteCount { minute: number; opened: number; refused: number }

const MINUTE = 60_000;

/** One bucket a minute for the last `span` minutes, oldest first, ending with the minute of `now`. */
export function byMinute(events: readonly { happened_at: string; opened: boolean }[], now: number, span = 30): MinuteCount[] {
  const last = Math.floor(now / MINUTE);
  const buckets = Array.from({ length: span }, (_, index) => ({
    minute: (last - span + 1 + index) * MINUTE, opened: 0, refused: 0,
  }));
  for (const event of events) {
    const bucket = buckets[Math.floor(Date.parse(event.happened_at) / MINUTE) - (last - span + 1)];
    if (!bucket) continue;
    if (event.opened) bucket.opened += 1;
    else bucket.refused += 1;
  }
  return buckets;
}
