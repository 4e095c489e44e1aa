import { expect, it } from 'vitest';
import { changed, onlyFace, stretches } from '../src/ways';

it('a door that knows nothing but faces is known as such', () => {
  expect(onlyFace(['FACE'])).toBe(true);
  expect(onlyFace(['FACE', 'CODE'])).toBe(false);
  expect(onlyFace([])).toBe(false);
});

it('only what changed is told', () => {
  expect(changed({ ways: ['CODE'], area: 0 }, { ways: ['CODE'], area: 3 })).toEqual({ area: 3 });
});

it('a day is read in stretches, and what is none is refused', () => {
  expect(stretches('14:00-22:00, 7:00–12:00', 2)).toEqual([{ weekday: 2, start: 420, end: 720 }, { weekday: 2, start: 840, end: 1320 }]);
  expect(stretches('', 0)).toEqual([]);
  for (const wrong of ['22:00–07:00', '7–9', '07:00–24:30', '07:61–08:00']) expect(stretches(wrong, 0)).toBeNull();
});
