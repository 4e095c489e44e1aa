/** The list of passages that a page holds: newest first, each once, never more than it needs. */
import type { GateEvent } from '../api/shapes';

/** A passage is known by its gate and its place in that gate's journal. */
export const keyOf = (event: GateEvent): string => `${event.gate} ${event.sequence}`;

export function merge(held: readonly GateEvent[], fresh: readonly GateEvent[], keep: number): GateEvent[] {
  const byKey = new Map<string, GateEvent>();
  for (const event of [...held, ...fresh]) byKey.set(keyOf(event), { ...byKey.get(keyOf(event)), ...event });
  return [...byKey.values()].sort((a, b) => Date.parse(b.happened_at) - Date.parse(a.happened_at)).slice(0, keep);
}

/** How many came in at each gate in the last half hour. */
export function countEntries(events: readonly GateEvent[], now: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const recent = Date.parse(event.happened_at) > now - 30 * 60_000;
    if (recent && event.opened && event.direction === 'in') counts.set(event.gate, (counts.get(event.gate) ?? 0) + 1);
  }
  return counts;
}

/** G07…G51 stand three to a building, in the building's order; how a gate is called decides, not its number. */
export function buildingOf(name: string): string | null {
  return /(\d+)\s*[栋幢]/.exec(name)?.[1] ?? /building\s*(\d+)/i.exec(name)?.[1] ?? null;
}
