/** The ways in, in the order gates keep them, and what a form about them tells the server: only what changed. */
export const WAYS = ['CODE', 'CARD', 'PIN', 'IDCARD', 'FACE'] as const;
export const DOOR_KINDS = ['estate', 'garage', 'entrance', 'dwelling', 'common'] as const;
export const FAIL_MODES = ['listed', 'lasting', 'secure'] as const;
export const PAIRINGS = ['off', 'soft', 'hard'] as const;

/** A door that knows nothing but faces is refused: whoever does not want one must get in at the same hours. */
export const onlyFace = (ways: readonly string[]): boolean => ways.length > 0 && ways.every((way) => way === 'FACE');

export function changed<T extends object>(before: T, now: T): Partial<T> {
  const told: Partial<T> = {};
  for (const name of Object.keys(now) as (keyof T)[]) {
    if (JSON.stringify(before[name]) !== JSON.stringify(now[name])) told[name] = now[name];
  }
  return told;
}

export interface Slot { weekday: number; start: number; end: number }

const STRETCH = /^(\d{1,2}):(\d{2})\s*[-–—~至]\s*(\d{1,2}):(\d{2})$/;

/** Reads `07:00–12:00, 14:00–22:00` of one day; null when a piece of it is none. An empty text is a closed day. */
export function stretches(text: string, weekday: number): Slot[] | null {
  const found: Slot[] = [];
  for (const piece of text.split(/[,，;；、]/).map((one) => one.trim()).filter(Boolean)) {
    const [, h, m, toH, toM] = STRETCH.exec(piece) ?? [];
    if (h === undefined) return null;
    const slot = { weekday, start: Number(h) * 60 + Number(m), end: Number(toH) * 60 + Number(toM) };
    if (Number(m) > 59 || Number(toM) > 59 || slot.end > 1440 || slot.start >= slot.end) return null;
    found.push(slot);
  }
  return found.sort((a, b) => a.start - b.start);
}
