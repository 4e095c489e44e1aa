/** The list of passages that a page holds: newest first, each once, never more than it needs. */
import type { GateEvent } from '../api/shapes';

/** A passage is known by its gate and its place in that gate's journal; without one, by its instant and outcome. */
export const keyOf = (event: GateEvent): string =>
  `${event.gate}|${event.sequence ?? `${new Date(event.happened_at).getTime()}|${event.direction}|${event.reason}`}`;

export function merge(held: readonly GateEvent[], fresh: readonly GateEvent[], keep: number): GateEvent[] {
  const byKey = new Map<string, GateEvent>();
  for (const event of [...held, ...fresh]) byKey.set(keyOf(event), { ...byKey.get(keyOf(event)), ...event });
  return [...byKey.values()].sort((a, b) => Date.parse(b.happened_at) - Date.parse(a.happened_at)).slice(0, keep);
}

/** G07…G51 stand three to a building, in the building's order; how a gate is called decides, not its number. */
export function buildingOf(name: string): string | null {
  return /(\d+)\s*[栋幢]/.exec(name)?.[1] ?? /building\s*(\d+)/i.exec(name)?.[1] ?? null;
}
