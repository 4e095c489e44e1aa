import { expect, it } from 'vitest';
import type { GateEvent } from '../src/api/shapes';
import { byMinute } from '../src/live/minutes';
import { buildingOf, countEntries, merge } from '../src/live/passages';

const event = (at: string, more: Partial<GateEvent> = {}): GateEvent => ({
  gate: 'G01', sequence: Date.parse(at) || 0, late: false, happened_at: at, method: 'CODE', direction: 'in', opened: true, reason: 'OK', ...more,
});

it('what the stream told and what the list says later are one passage', () => {
  const told = event('2025-06-30T12:00:00Z', { sequence: 9 });
  const read = event('2025-06-30T12:00:00.000Z', { sequence: 9, late: false });
  expect(merge([told], [read], 10)).toEqual([read]);
});

it('the newest stand first, and the oldest are let go', () => {
  const list = merge([event('2025-06-30T12:00:00Z')], [event('2025-06-30T12:00:05Z'), event('2025-06-30T11:00:00Z')], 2);
  expect(list.map((one) => one.happened_at)).toEqual(['2025-06-30T12:00:05Z', '2025-06-30T12:00:00Z']);
});

it('two doors at the same instant are two passages', () => {
  expect(merge([event('2025-06-30T12:00:00Z')], [event('2025-06-30T12:00:00Z', { gate: 'G02' })], 10)).toHaveLength(2);
});

it('passages are counted by the minute, and those outside the half hour are not', () => {
  const now = Date.parse('2025-06-30T12:30:30Z');
  const counts = byMinute([
    event('2025-06-30T12:30:05Z'), event('2025-06-30T12:29:59Z', { opened: false }), event('2025-06-30T12:01:00Z'),
    event('2025-06-30T12:00:59Z'), event('2025-06-30T12:31:00Z'), event('nonsense'),
  ], now);
  expect(counts).toHaveLength(30);
  expect(counts.at(-1)).toMatchObject({ opened: 1, refused: 0 });
  expect(counts.at(-2)).toMatchObject({ opened: 0, refused: 1 });
  expect(counts[0]).toMatchObject({ opened: 1, refused: 0 });
  expect(counts.reduce((sum, one) => sum + one.opened + one.refused, 0)).toBe(3);
});

it('entries are counted by gate, and only what came in lately', () => {
  const now = Date.parse('2025-06-30T12:30:00Z');
  const counts = countEntries([
    event('2025-06-30T12:20:00Z'), event('2025-06-30T12:21:00Z'), event('2025-06-30T11:59:00Z'), event('2025-06-30T12:22:00Z', { direction: 'out' }),
    event('2025-06-30T12:23:00Z', { opened: false }), event('2025-06-30T12:24:00Z', { gate: 'G02' }),
  ], now);
  expect([...counts]).toEqual([['G01', 2], ['G02', 1]]);
});

it('a gate’s building is read from its name in either language', () => {
  expect(buildingOf('12栋3单元')).toBe('12');
  expect(buildingOf('Building 4, entrance 1')).toBe('4');
  expect(buildingOf('东门')).toBeNull();
});
